/** `sallyport ledger rotate`, killed in place of every single step that it takes on the disk. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRecordingKey } from '../../src/config/recording-key.ts';
import { parseSigner } from '../../src/ledger/note-key.ts';
import { openLedger } from '../../src/record/ledger-key.ts';
import { sallyport } from '../kit/command-line.ts';
import { oneCall, openHouse } from '../record/house.ts';
import { buildForgetful, killEnvironment, rebuild } from './forgetful.ts';
import { seeded } from './harness.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const disk = buildForgetful();

let root: string;
/** What each attempt begins with: a log with one call in it. */
let before: string;
let recorded: string;

const textOf = (home: string, name: string): string => readFileSync(join(home, name), 'utf8');

/** Starts what keeps evidence, as the gateway does, records a call and ends in order. */
async function start(home: string): Promise<string> {
  const file = join(home, 'keys/ledger.key');
  const folder = join(home, 'data');
  const ledger = await openLedger({ text: readFileSync(file, 'utf8').trim(), file }, { dir: folder });
  const signer = parseSigner(textOf(home, 'keys/ledger.key').trim());
  expect(ledger.key.vkey).toBe(signer.verifier.vkey);
  const keys = { recording: parseRecordingKey(textOf(home, 'keys/recording.key')), signer };
  const house = await openHouse({ folder, keys, ledger });
  const id = await oneCall(house.recorder);
  await house.close();
  return id;
}

async function rotate(home: string): Promise<void> {
  expect(await sallyport(['ledger', 'rotate'], { cwd: home })).toMatchObject({ code: 0 });
}

/** `first.pub` is the key that auditors were given first, `keys/ledger.pub` all that they would be given now. */
async function verify(home: string, key: string): Promise<void> {
  const { code, stdout } = await sallyport(['ledger', 'verify', 'data', '--key', key], { cwd: home });
  const problems = stdout.split('\n').filter((line) => line.startsWith('problem'));
  expect(problems.join()).toBe('');
  expect(code).toBe(0);
}

async function prove(home: string, id: string): Promise<void> {
  expect(await sallyport(['ledger', 'prove', id, '--out', 'proof.json'], { cwd: home })).toMatchObject({ code: 0 });
  const proof = await sallyport(['sessions', 'verify', 'proof.json', '--key', 'first.pub'], { cwd: home });
  expect(proof).toMatchObject({ code: 0 });
}

/** What may be done with what a crash left. */
const AFTERWARDS: Readonly<Record<string, (home: string) => Promise<void>>> = {
  'starts, and is rotated': async (home) => {
    const id = await start(home);
    await verify(home, 'first.pub');
    await rotate(home);
    await start(home);
    await verify(home, 'keys/ledger.pub');
    await prove(home, id);
  },
  'is rotated at once, and starts': async (home) => {
    await rotate(home);
    await verify(home, 'first.pub');
    await start(home);
    await verify(home, 'keys/ledger.pub');
    await prove(home, recorded);
  },
};

/** Rotates in a copy and is killed in place of its `at`-th step. Resolves to what is left; null when it took fewer steps. */
async function killAt(at: number): Promise<Readonly<Record<string, string>> | null> {
  if (disk === null) throw new Error('expected a C compiler');
  const folder = join(root, `left-${at}`);
  const image = join(root, `image-${at}`);
  cpSync(before, folder, { recursive: true });
  const child = spawn(process.execPath, [MAIN, 'ledger', 'rotate'], {
    cwd: folder,
    env: { ...process.env, ...disk.environment(folder, image), ...killEnvironment(at) },
    stdio: 'ignore',
  });
  const [code, signal] = await once(child, 'exit');
  if (signal === null) expect(code).toBe(0);
  const target = join(root, `cut-${at}`);
  // a disk may have written some of what was not synced, or nothing; next steps mostly leave the same
  rebuild({ image, folder, target, ...(at % 2 === 0 ? {} : { torn: seeded(at) }) });
  rmSync(image, { recursive: true });
  return signal === null ? null : { 'as it was left': folder, 'after a power cut': target };
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-rotate-crash-'));
  before = join(root, 'before');
  await sallyport(['init', '--dir', before]);
  copyFileSync(join(before, 'keys/ledger.pub'), join(before, 'first.pub'));
  recorded = await start(before);
});
afterAll(() => rmSync(root, { recursive: true }));

if (disk === null) {
  console.warn('rotate-crash: not run, there is no C compiler (cc) here');
  it('rotate-crash: not run, there is no C compiler (cc) here', () => {});
} else {
  describe('promise 7: a handover of the ledger’s key that is cut off at any step', () => {
    it('leads to a log that starts, verifies from either key and can be rotated', async () => {
      const broken: string[] = [];
      let steps = 0;
      for (let left = await killAt(1); left !== null; left = await killAt(steps + 1)) {
        steps++;
        for (const [how, folder] of Object.entries(left)) {
          for (const [what, then] of Object.entries(AFTERWARDS)) {
            const home = join(root, 'home');
            cpSync(folder, home, { recursive: true });
            await then(home).catch((error: unknown) => broken.push(`step ${steps}, ${how}, ${what}: ${String(error)}`));
            rmSync(home, { recursive: true });
          }
          rmSync(folder, { recursive: true });
        }
      }
      expect(broken).toEqual([]);
      // fewer would mean that the disk did not see them
      expect(steps).toBeGreaterThan(30);
      console.log(`${steps} steps`);
    }, 1_800_000);
  });
}
