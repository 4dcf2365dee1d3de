import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';

describe('sallyport detectors', () => {
  it('lists the entities and their kinds', async () => {
    const { code, stdout } = await sallyport(['detectors', 'list', '--json']);
    expect(code).toBe(0);
    const entities: { name: string; kinds: string[] }[] = JSON.parse(stdout);
    expect(entities.find(({ name }) => name === 'secret')?.kinds).toContain('secret.github');
  });

  it('shows what is found in a text, as lines in a pipe', async () => {
    const { code, stdout } = await sallyport(['detectors', 'test', 'to bob@example.com, 10.0.0.1']);
    expect(code).toBe(0);
    expect(stdout).toBe('email\t3\t18\t0.95\tbob@example.com\nipv4\t20\t28\t0.80\t10.0.0.1\n');
  });

  it('looks only for what --entities names', async () => {
    const { stdout } = await sallyport(['detectors', 'test', 'to bob@example.com, 10.0.0.1', '--entities', 'ipv4']);
    expect(stdout).toBe('ipv4\t20\t28\t0.80\t10.0.0.1\n');
  });

  it('reads a file, and refuses one that is not UTF-8', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'sallyport-detectors-'));
    writeFileSync(join(cwd, 'good'), 'ä bob@example.com');
    writeFileSync(join(cwd, 'bad'), Buffer.from([0x62, 0xff, 0x40]));
    const good = await sallyport(['detectors', 'test', '--file', 'good', '--json'], { cwd });
    expect(JSON.parse(good.stdout)).toEqual([
      { kind: 'email', start: 2, end: 17, score: 0.95, text: 'bob@example.com' },
    ]);
    const bad = await sallyport(['detectors', 'test', '--file', 'bad'], { cwd });
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('bad is not UTF-8 text') });
    const none = await sallyport(['detectors', 'test', '--file', 'none'], { cwd });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('none cannot be read') });
  });

  it('ends with 1 when nothing is found', async () => {
    expect(await sallyport(['detectors', 'test', 'nothing'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('asks for a text or a file, not both', async () => {
    expect(await sallyport(['detectors', 'test'])).toMatchObject({ code: 2 });
    expect(await sallyport(['detectors', 'test', 'x', '--file', 'y'])).toMatchObject({ code: 2 });
  });

  it('names the entity that was meant', async () => {
    const { code, stderr } = await sallyport(['detectors', 'test', 'x', '--entities', 'emial']);
    expect(code).toBe(2);
    expect(stderr).toContain('no entity is named emial; did you mean email?');
  });
});
