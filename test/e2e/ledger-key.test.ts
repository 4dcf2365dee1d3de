import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeLeaf } from '../../src/ledger/leaf.ts';
import { handOver } from '../../src/ledger/key-epochs.ts';
import { openLog } from '../../src/ledger/log.ts';
import { generateSigner, type NoteSigner, parseSigner } from '../../src/ledger/note-key.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
}, 60_000);
afterAll(() => world.close());

const key = (): string => join(world.folder, 'keys/ledger.key');
const signerIn = (file: string): NoteSigner => parseSigner(readFileSync(file, 'utf8').trim());

it('promise 7: a start finishes the handover of the ledger’s key that was cut off behind its leaf', async () => {
  expect(await world.stopGateway()).toBe(0);
  const first = readFileSync(join(world.folder, 'keys/ledger.pub'), 'utf8');
  writeFileSync(join(world.folder, 'first.pub'), first);
  const signer = signerIn(key());
  writeFileSync(`${key()}.next`, `${generateSigner(signer.verifier.name)}\n`, { mode: 0o600 });
  const next = signerIn(`${key()}.next`).verifier;
  const log = await openLog({ dir: join(world.folder, 'data'), signer });
  const leaf = encodeLeaf({ v: 1, ts: Date.now(), inst: '0123456789abcdef', iseq: 0, ...handOver(signer, next) });
  log.append([leaf], log.memo ?? new Uint8Array(0));
  await log.sync();
  await log.close();

  await world.startGateway();
  expect(signerIn(key()).verifier.vkey).toBe(next.vkey);
  expect(existsSync(`${key()}.next`)).toBe(false);
  expect(await world.stopGateway()).toBe(0);
  for (const pub of ['first.pub', 'keys/ledger.pub']) {
    const verified = await world.cli(['ledger', 'verify', 'data', '--key', pub]);
    expect(verified.stdout).toMatch(/^ledger: .*: verified$/m);
    expect(verified.code).toBe(0);
  }
}, 120_000);
