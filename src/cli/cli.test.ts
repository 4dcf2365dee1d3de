import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { EXIT } from './exit.ts';

const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

describe('the command line', () => {
  it('prints the version of the package', async () => {
    const { code, stdout } = await sallyport(['--version']);
    expect(code).toBe(0);
    expect(manifest).toMatchObject({ version: stdout.trim() });
  });

  it('prints help on stdout when asked, and on stderr with exit code 2 when it was given nothing to do', async () => {
    const asked = await sallyport(['--help']);
    expect(asked).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Usage: sallyport') });
    const nothing = await sallyport([]);
    expect(nothing).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage: sallyport') });
  });

  it('documents every exit code in its help', async () => {
    const { stdout } = await sallyport(['--help']);
    for (const code of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`^ {2}${code} +\\w`, 'm'));
  });

  it.each([
    [['--jsno'], "error: unknown option '--jsno'\nhint: Did you mean --json?\n"],
    [['strat'], "error: unknown command 'strat'\nhint: Did you mean start?\n"],
    [['zebra'], "error: unknown command 'zebra'\nhint: `sallyport --help` lists what there is\n"],
    [['start', '--prot', '1'], "error: unknown option '--prot'\nhint: `sallyport --help` lists what there is\n"],
    [['check', 'a', 'b'], /^error: too many arguments for 'check'.*\nhint: .*\n$/],
  ])('refuses %j with one line, a hint and exit code 2', async (argv, said) => {
    const { code, stdout, stderr } = await sallyport(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
  });

  it('does not let an argument command the terminal', async () => {
    const { stderr } = await sallyport(['--\u001B]0;pwned\u0007']);
    expect(stderr).toContain(String.raw`--\u001b]0;pwned\u0007`);
  });
});
