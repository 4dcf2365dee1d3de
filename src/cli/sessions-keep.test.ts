import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { oneCall, openHouse } from '../../test/record/house.ts';
import { parseSigner } from '../ledger/note-key.ts';
import { parseRecordingKey } from '../config/recording-key.ts';
import { lockFolder } from '../store/lock.ts';

let cwd: string;
let id: string;

const run = (...argv: string[]) => sallyport(argv, { cwd });
const verify = () => run('ledger', 'verify', 'data', '--key', 'keys/ledger.pub');

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-keep-'));
  await run('init', '--dir', cwd);
  const key = (name: string): string => readFileSync(join(cwd, 'keys', name), 'utf8');
  const signer = parseSigner(/^PRIVATE.*$/m.exec(key('ledger.key'))?.[0] ?? '');
  const keys = { recording: parseRecordingKey(key('recording.key')), signer };
  const house = await openHouse({ folder: join(cwd, 'data'), keys });
  id = await oneCall(house.recorder);
  await house.close();
});

describe('sallyport sessions erase', () => {
  it('destroys the keys of a session; show says when and why, and everything verifies', async () => {
    const erased = await run('sessions', 'erase', id, '--why', 'she asked for it');
    expect(erased).toMatchObject({ code: 0, stdout: `session ${id} is erased: its keys are destroyed\n` });
    for (const command of ['show', 'replay']) {
      const { code, stdout, stderr } = await run('sessions', command, id);
      expect(stderr).toMatch(new RegExp(`^error: session ${id} was erased at .*Z: on request\nhint: .* leaf \\d+ `));
      expect([code, stdout]).toEqual([1, '']);
    }
    expect((await run('sessions', 'list', '--json')).stdout).toBe('[]\n');
    const { code, stdout } = await verify();
    expect(stdout).toMatch(/, 1 erased/);
    expect(code).toBe(0);
  });

  it('is refused while a hold is on the session', async () => {
    expect((await run('sessions', 'hold', id, '--why', 'case 7')).code).toBe(0);
    expect(await run('sessions', 'erase', id, '--why', '-')).toMatchObject({ code: 4, stderr: 'error: it is held\n' });
    expect((await run('sessions', 'release', id, '--why', 'closed')).code).toBe(0);
    expect((await run('sessions', 'erase', id, '--why', '-')).code).toBe(0);
    expect((await verify()).code).toBe(0);
  });

  it('knows no other session', async () => {
    expect((await run('sessions', 'erase', id.slice(0, 10).padEnd(26, '0'), '--why', '-')).code).toBe(4);
    expect((await run('sessions', 'erase', 'x', '--why', '-')).code).toBe(2);
  });
});

it('shows nothing of a recording when the ledger cannot say who reads it', async () => {
  const held = lockFolder(join(cwd, 'data'));
  const { code, stdout, stderr } = await run('sessions', 'show', id);
  held.release();
  expect(stderr).toMatch(/^error: the gateway that holds the ledger cannot be asked\n/);
  expect([code, stdout]).toEqual([3, '']);
});
