import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { oneCall, openHouse } from '../../test/record/house.ts';
import { parseSigner } from '../ledger/note-key.ts';
import { parseRecordingKey } from '../config/recording-key.ts';

let cwd: string;
let id: string;

const run = (...argv: string[]) => sallyport(argv, { cwd });

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-prove-'));
  await run('init', '--dir', cwd);
  const key = (name: string): string => readFileSync(join(cwd, 'keys', name), 'utf8');
  const signer = parseSigner(/^PRIVATE.*$/m.exec(key('ledger.key'))?.[0] ?? '');
  const keys = { recording: parseRecordingKey(key('recording.key')), signer };
  const house = await openHouse({ folder: join(cwd, 'data'), keys });
  id = await oneCall(house.recorder);
  await house.close();
});

describe('sallyport ledger prove', () => {
  it('writes a proof that `sessions verify` checks with nothing but the public key', async () => {
    expect(await run('ledger', 'prove', id, '--out', 'proof.json')).toMatchObject({ code: 0, stdout: '' });
    const elsewhere = mkdtempSync(join(tmpdir(), 'sallyport-auditor-'));
    for (const name of ['proof.json', 'keys/ledger.pub']) {
      writeFileSync(join(elsewhere, name.replace('keys/', '')), readFileSync(join(cwd, name)));
    }
    const argv = ['sessions', 'verify', 'proof.json', '--key', 'ledger.pub', '--bodies'];
    const { code, stdout } = await sallyport(argv, { cwd: elsewhere });
    expect(stdout).toContain('ada of https://idp.example.com');
    expect(stdout).toContain('data: two');
    expect(stdout).toMatch(/^proof: 2 frames under a checkpoint of \d+ leaves: verified$/m);
    expect(code).toBe(0);
    const json = await sallyport([...argv, '--json'], { cwd: elsewhere });
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, session: id, content: { ending: { status: 200 } } });
  });

  it('leaves the key out when told to, and then nobody reads the call', async () => {
    const { stdout } = await run('ledger', 'prove', id, '--without-key');
    writeFileSync(join(cwd, 'closed.json'), stdout);
    const verified = await run('sessions', 'verify', 'closed.json', '--key', 'keys/ledger.pub');
    expect(verified.stdout).toMatch(/^began .*: allow for the service llm$/m);
    expect(verified.stdout).toMatch(/^proof: .*, not opened: verified$/m);
    expect(verified.stdout).not.toContain('ada');
    expect(verified.code).toBe(0);
  });

  it('ends with 1 for a proof that was changed, and says what', async () => {
    const { stdout } = await run('ledger', 'prove', id);
    writeFileSync(join(cwd, 'changed.json'), stdout.replace('\\"service\\":\\"llm\\"', '\\"service\\":\\"other\\"'));
    const verified = await run('sessions', 'verify', 'changed.json', '--key', 'keys/ledger.pub');
    expect(verified.stdout).toMatch(/^problem: leaf \d+: its path does not lead to the root/m);
    expect(verified.code).toBe(1);
  });

  it('never writes over a file', async () => {
    writeFileSync(join(cwd, 'there'), 'something');
    const { code, stderr } = await run('ledger', 'prove', id, '--out', 'there');
    expect(stderr).toMatch(/^error: there cannot be written/);
    expect(code).toBe(2);
    expect(readFileSync(join(cwd, 'there'), 'utf8')).toBe('something');
  });

  it('knows when there is no such session', async () => {
    expect((await run('ledger', 'prove', id.slice(0, 10).padEnd(26, '0'))).code).toBe(1);
  });
});
