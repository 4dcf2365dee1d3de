import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { oneCall, openHouse } from '../../test/record/house.ts';
import { checkpointText } from '../ledger/checkpoint.ts';
import { encodeLeaf } from '../ledger/leaf.ts';
import { openLog } from '../ledger/log.ts';
import { handOver } from '../ledger/key-epochs.ts';
import { signNote } from '../ledger/note.ts';
import { generateSigner, type NoteSigner, parseSigner } from '../ledger/note-key.ts';
import { parseRecordingKey } from '../config/recording-key.ts';
import { lockFolder } from '../store/lock.ts';

let cwd: string;
const INST = '0123456789abcdef';

const run = (...argv: string[]) => sallyport(argv, { cwd });
const textOf = (name: string): string => readFileSync(join(cwd, name), 'utf8');
const signerIn = (name: string): NoteSigner => parseSigner(textOf(name).trim());

/** Records one call under the key that is in force. */
const call = async (): Promise<string> => {
  const keys = { recording: parseRecordingKey(textOf('keys/recording.key')), signer: signerIn('keys/ledger.key') };
  const house = await openHouse({ folder: join(cwd, 'data'), keys });
  const id = await oneCall(house.recorder);
  await house.close();
  return id;
};

/** Hands over as far as the leaf, and returns the key that comes next. */
const cutOff = async (): Promise<string> => {
  const signer = signerIn('keys/ledger.key');
  writeFileSync(join(cwd, 'keys/ledger.key.next'), `${generateSigner(signer.verifier.name)}\n`);
  const next = signerIn('keys/ledger.key.next').verifier;
  const log = await openLog({ dir: join(cwd, 'data'), signer });
  log.append(
    [encodeLeaf({ v: 1, ts: Date.now(), inst: INST, iseq: 0, ...handOver(signer, next) })],
    log.memo ?? new Uint8Array(0),
  );
  await log.sync();
  await log.close();
  return next.vkey;
};

const verify = (key: string) => run('ledger', 'verify', 'data', '--key', key);

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-rotate-'));
  await run('init', '--dir', cwd);
  await call();
  copyFileSync(join(cwd, 'keys/ledger.pub'), join(cwd, 'first.pub'));
  copyFileSync(join(cwd, 'keys/ledger.key'), join(cwd, 'stolen.key'));
});

describe('sallyport ledger rotate', () => {
  it('makes a new key that the first one leads to, and that goes on alone', async () => {
    const { code, stdout } = await run('ledger', 'rotate');
    expect([code, stdout.trim()]).toEqual([0, signerIn('keys/ledger.key').verifier.vkey]);
    const id = await call();
    await run('ledger', 'rotate');
    await call();
    writeFileSync(join(cwd, 'last.pub'), `${signerIn('keys/ledger.key').verifier.vkey}\n`);
    for (const key of ['first.pub', 'keys/ledger.pub', 'last.pub']) {
      const verified = await verify(key);
      expect(verified.stdout).toMatch(/^ledger: .*: verified$/m);
      expect(verified.code, key).toBe(0);
    }
    await run('ledger', 'prove', id, '--out', 'proof.json');
    expect((await run('sessions', 'verify', 'proof.json', '--key', 'first.pub')).code).toBe(0);
    expect((await run('sessions', 'verify', 'proof.json', '--key', 'last.pub')).code).toBe(0);
    const stranger = parseSigner(generateSigner(signerIn('keys/ledger.key').verifier.name)).verifier.vkey;
    expect((await run('sessions', 'verify', 'proof.json', '--key', stranger)).code).toBe(1);
    expect((await verify(stranger)).code).toBe(1);
  });

  it('goes on where an attempt was cut off', async () => {
    writeFileSync(join(cwd, 'keys/ledger.key.next'), `${generateSigner(signerIn('keys/ledger.key').verifier.name)}\n`);
    const next = signerIn('keys/ledger.key.next').verifier.vkey;
    copyFileSync(join(cwd, 'keys/ledger.key.next'), join(cwd, 'kept'));
    expect((await run('ledger', 'rotate')).stdout.trim()).toBe(next);
    // handed over, but the key was not put in its place
    copyFileSync(join(cwd, 'stolen.key'), join(cwd, 'keys/ledger.key'));
    copyFileSync(join(cwd, 'kept'), join(cwd, 'keys/ledger.key.next'));
    expect((await run('ledger', 'rotate')).stdout.trim()).toBe(next);
    expect(existsSync(join(cwd, 'keys/ledger.key.next'))).toBe(false);
    await call();
    expect((await verify('first.pub')).code).toBe(0);
  });

  it('leaves a log that verifies from the key before, though nothing was signed since', async () => {
    await run('ledger', 'rotate');
    expect(await verify('first.pub')).toMatchObject({ code: 0, stdout: expect.stringMatching(/: verified$/m) });
  });

  it('is finished by whatever opens the ledger next', async () => {
    const id = await call();
    const next = await cutOff();
    expect(await run('sessions', 'hold', id, '--why', 'a case')).toMatchObject({ code: 0 });
    expect(signerIn('keys/ledger.key').verifier.vkey).toBe(next);
    expect(existsSync(join(cwd, 'keys/ledger.key.next'))).toBe(false);
    expect(textOf('keys/ledger.pub')).toBe(`${textOf('first.pub')}${next}\n`);
    for (const key of ['first.pub', 'keys/ledger.pub']) expect((await verify(key)).code).toBe(0);
  });

  it('leaves nothing to be signed where the key that was handed over to is lost', async () => {
    const next = await cutOff();
    rmSync(join(cwd, 'keys/ledger.key.next'));
    const refused = { code: 3, stderr: expect.stringContaining(`a leaf hands over to the key ${next}`) };
    expect(await run('ledger', 'rotate')).toMatchObject(refused);
    writeFileSync(join(cwd, 'keys/ledger.key.next'), `${generateSigner(signerIn('stolen.key').verifier.name)}\n`);
    expect(await run('ledger', 'rotate')).toMatchObject(refused);
    expect((await verify('first.pub')).code).toBe(0);
  });

  it('is refused while the gateway runs', async () => {
    const keys = { recording: parseRecordingKey(textOf('keys/recording.key')), signer: signerIn('keys/ledger.key') };
    const held = lockFolder(join(cwd, 'data'));
    expect(await run('ledger', 'rotate')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('stop the gateway'),
    });
    held.release();
    expect(signerIn('keys/ledger.key').verifier.vkey).toBe(keys.signer.verifier.vkey);
  });
});

describe('promise 7: a key that was stolen before it was replaced', () => {
  it('opens the log no more', async () => {
    await run('ledger', 'rotate');
    await expect(openLog({ dir: join(cwd, 'data'), signer: signerIn('stolen.key') })).rejects.toThrow(
      'the key that signs was replaced',
    );
  });

  it('signs no checkpoint behind the leaf in which it handed over', async () => {
    await run('ledger', 'rotate');
    const stolen = signerIn('stolen.key');
    const note = textOf('data/ledger/checkpoint');
    const text = `${note.split('\n').slice(0, 3).join('\n')}\n`;
    const forged = signNote(text, [stolen]);
    writeFileSync(join(cwd, 'data/ledger/checkpoint'), forged);
    writeFileSync(join(cwd, 'data/ledger/checkpoints'), textOf('data/ledger/checkpoints').replace(note, forged));
    const { code, stdout } = await verify('first.pub');
    expect(stdout).toMatch(
      /^problem: leaf \d+: hands over to the key .*, and checkpoints behind it are not signed by it$/m,
    );
    expect(code).toBe(1);
  });

  it('cannot go on from before it handed over, for who knows the key that came next', async () => {
    cpSync(join(cwd, 'data'), join(cwd, 'before'), { recursive: true });
    await run('ledger', 'rotate');
    const log = await openLog({ dir: join(cwd, 'before'), signer: signerIn('stolen.key') });
    log.append(
      [encodeLeaf({ v: 1, ts: 1, inst: INST, iseq: 0, type: 'gateway.start' })],
      log.memo ?? new Uint8Array(0),
    );
    await log.checkpoint();
    await log.close();
    const { code, stdout } = await run('ledger', 'verify', 'before', '--key', 'keys/ledger.pub');
    expect(stdout).toMatch(
      /^problem: the key .*: never comes into force: the log was cut off before it, or goes on under/m,
    );
    expect(code).toBe(1);
  });

  it('hands over to nobody by a leaf that it has not signed', async () => {
    const [signer, other] = [signerIn('keys/ledger.key'), parseSigner(generateSigner('another/log'))];
    const next = parseSigner(generateSigner(signer.verifier.name));
    const forged = { ...handOver(other, next.verifier), from: signer.verifier.vkey };
    const log = await openLog({ dir: join(cwd, 'data'), signer });
    log.append([encodeLeaf({ v: 1, ts: 1, inst: INST, iseq: 0, ...forged })], log.memo ?? new Uint8Array(0));
    await log.succeed(next);
    await log.close();
    expect(checkpointText(log.head)).toContain(signer.verifier.name);
    const { code, stdout } = await verify('first.pub');
    expect(stdout).toMatch(
      /^problem: leaf \d+: hands over to the key .*, and checkpoints behind it are not signed by it$/m,
    );
    expect(code).toBe(1);
  });
});
