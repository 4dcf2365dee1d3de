import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { encryptionKeys, encryptValue } from '../mask/encrypt.ts';
import { run } from './cli.ts';

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

  it('knows the detectors that a config defines', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'sallyport-detectors-'));
    const config = `identity: { issuers: [{ issuer: https://idp.example.com, audience: sallyport }] }
services: [{ name: llm, protocol: openai, upstream: { url: http://127.0.0.1:1 } }]
detectors: [{ name: employee, title: Employee number, pattern: 'EMP-[0-9]{4}' }]
`;
    writeFileSync(join(cwd, 'sallyport.yaml'), config);
    writeFileSync(join(cwd, 'other.yaml'), config.replace('EMP-', 'ZZZ-'));
    const text = 'EMP-1234 ZZZ-1234 bob@example.com';
    const test = async (...more: string[]) => (await sallyport(['detectors', 'test', text, ...more], { cwd })).stdout;
    expect(await test()).toContain('employee\t0\t8\t0.80\tEMP-1234\n');
    expect(await test('--entities', 'employee', '--config', 'other.yaml')).toBe('employee\t9\t17\t0.80\tZZZ-1234\n');
    expect((await sallyport(['detectors', 'list'], { cwd })).stdout).toContain('employee\tEmployee number');
    expect(await sallyport(['detectors', 'list', '--config', 'none.yaml'], { cwd })).toMatchObject({ code: 2 });
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

  it('takes the name of a file as the text in it', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'sallyport-detectors-'));
    writeFileSync(join(cwd, 'notes.txt'), 'bob@example.com');
    expect((await sallyport(['detectors', 'test', 'notes.txt'], { cwd })).stdout).toContain('bob@example.com');
    expect(await sallyport(['detectors', 'test', 'other.txt'], { cwd })).toMatchObject({ code: 1 });
  });

  it('counts the kinds of each entity on a terminal, and names them in a pipe', async () => {
    const shown = await sallyport(['detectors', 'list'], { terminal: true });
    expect(shown.stdout).toMatch(/secret\b.* 2\d\d\s*$/m);
    expect(shown.stderr).toContain('--json');
    expect((await sallyport(['detectors', 'list'])).stdout).toContain('secret.github');
  });
});

describe('sallyport detectors test --jsonl', () => {
  const scan = (stdin: string) => sallyport(['detectors', 'test', '--jsonl', '--entities', 'email,ipv4'], { stdin });

  it('prints the findings of each line as one line, positions in UTF-16 units', async () => {
    const texts = ['to bob@example.com', 'nothing', '', '😀\n10.0.0.1 bob@example.com', 'ü'];
    const { code, stdout } = await scan(texts.map((text) => JSON.stringify(text)).join('\n'));
    expect(code).toBe(0);
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      [{ kind: 'email', start: 3, end: 18, score: 0.95 }],
      [],
      [],
      [
        { kind: 'ipv4', start: 3, end: 11, score: 0.8 },
        { kind: 'email', start: 12, end: 27, score: 0.95 },
      ],
      [],
    ]);
  });

  it('reads lines that come in pieces, and a last one without an end or with CR', async () => {
    const { code, stdout } = await sallyport(['detectors', 'test', '--jsonl', '--entities', 'email'], {
      stdin: '"ü bob@example.com"\r\n"ü@"\n"x"'.split(''),
    });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '[{"kind":"email","start":2,"end":17,"score":0.95}]\n[]\n[]\n',
    });
  });

  it('names the line that is no JSON string, after what came before it, and shows nothing of it', async () => {
    for (const bad of ['{"a":1}', 'hunter2', '']) {
      const { code, stdout, stderr } = await scan(`"bob@example.com"\n${bad}\n"x"`);
      expect(code).toBe(2);
      expect(stdout.split('\n')).toHaveLength(2);
      expect(stderr).toContain('line 2: expected a JSON string');
      expect(stderr).not.toContain('hunter2');
    }
  });

  it('takes no text beside standard input', async () => {
    expect(await sallyport(['detectors', 'test', 'x', '--jsonl'])).toMatchObject({ code: 2 });
  });

  it('waits while its reader is slow, and loses nothing', async () => {
    const lines = 20_000;
    const written: string[] = [];
    let waiting: (() => void) | null = null;
    let writesWhileFull = 0;
    const code = await run(['detectors', 'test', '--jsonl', '--entities', 'email'], {
      stdin: (async function* stdin() {
        for (let at = 0; at < lines; at++) yield Buffer.from('"bob@example.com"\n');
      })(),
      stdout: {
        write(text) {
          if (waiting !== null) writesWhileFull += 1;
          written.push(text);
          return false;
        },
        once(_, listener) {
          waiting = listener;
          setImmediate(() => {
            waiting = null;
            listener();
          });
        },
      },
      stderr: { write: () => {} },
      env: {},
      cwd: '/',
    });
    expect(code).toBe(0);
    expect(written.join('').split('\n')).toHaveLength(lines + 1);
    expect(written.length).toBeGreaterThan(5);
    expect(written.length).toBeLessThan(lines / 100);
    expect(writesWhileFull).toBe(0);
  });
});

describe('sallyport detectors decrypt', () => {
  const KEY = Buffer.alloc(32, 5).toString('base64');
  const sealed = encryptValue(encryptionKeys(KEY), 'EMAIL', 'bob@example.com');
  const folder = (): string => {
    const cwd = mkdtempSync(join(tmpdir(), 'sallyport-decrypt-'));
    writeFileSync(join(cwd, 'mask.key'), KEY, { mode: 0o600 });
    writeFileSync(
      join(cwd, 'sallyport.yaml'),
      `identity: { issuers: [{ issuer: https://idp.example.com, audience: sallyport }] }
services: [{ name: llm, protocol: openai, upstream: { url: http://127.0.0.1:1 } }]
masking:
  - { name: pii, entities: [email], with: encrypt, key: { file: mask.key } }
  - { name: other, entities: [iban], with: encrypt, key: { env: OTHER_KEY } }
`,
    );
    return cwd;
  };

  it('puts back what the key of a rule opens', async () => {
    const cwd = folder();
    const { code, stdout } = await sallyport(['detectors', 'decrypt', `to ${sealed}!`, '--rule', 'pii'], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'to bob@example.com!' });
  });

  it('says how many it cannot open, and needs the key and the name of the rule', async () => {
    const cwd = folder();
    const env = { OTHER_KEY: Buffer.alloc(32, 6).toString('base64') };
    const other = await sallyport(['detectors', 'decrypt', sealed, '--rule', 'other'], { cwd, env });
    expect(other).toMatchObject({ code: 1, stdout: sealed, stderr: expect.stringContaining('1 of 1 values') });
    const without = await sallyport(['detectors', 'decrypt', sealed, '--rule', 'other'], { cwd });
    expect(without).toMatchObject({ code: 2, stdout: '' });
    const unnamed = await sallyport(['detectors', 'decrypt', sealed], { cwd });
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining('pii, other') });
  });
});
