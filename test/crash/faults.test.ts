import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { generateSigner, parseSigner } from '../../src/ledger/note-key.ts';
import { buildForgetful, type Fault } from './forgetful.ts';
import { breakDisk, type Claim, claimOf, seeded, type StartVictim } from './harness.ts';

const disk = buildForgetful();
/** How many calls of each kind fail, one to a run; more by hand: FAULTS=200 vitest run test/crash/faults.test.ts */
const FAULTS = Number(process.env['FAULTS'] ?? 3);

const recording = randomBytes(32);
const signer = generateSigner('sallyport.example/faults');
const keys = { recording, signer: parseSigner(signer) };

const start: StartVictim = async (folder, environment) => {
  const victim = new URL('victim.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [victim, folder, recording.toString('hex'), signer], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const claims: Claim[] = [];
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    const claim = claimOf(line);
    if (claim !== null) claims.push(claim);
  });
  await once(lines, 'line');
  return { process: child, claims };
};

/**
 * SQLite syncs the folder of a new write-ahead log and goes on when that fails (`unixSync` in os_unix.c). The log is that
 * of the index, which is a cache; where our own sync of that folder fails, the gateway does not start.
 */
const isUnharmed = (call: Fault['call'], path: string): boolean => call === 'sync' && path === '';

const KINDS: readonly Omit<Fault, 'at'>[] = [
  { call: 'write', error: 'ENOSPC' },
  { call: 'write', error: 'EIO' },
  { call: 'sync', error: 'EIO' },
];

if (disk === null) {
  console.warn('faults: not run, there is no C compiler (cc) here');
  it('faults: not run, there is no C compiler (cc) here', () => {});
} else {
  describe('promise 3: no evidence, no answer — when the disk refuses', () => {
    it.each(KINDS)(
      'a $call with $error, no call is answered any more, and what was answered is on record',
      async ({ call, error }) => {
        const seed = Date.now() % 1_000_000;
        const random = seeded(seed);
        let happened = 0;
        for (let n = 0; n < FAULTS; n++) {
          // some thirty are those of the start, before the first call
          const at = 1 + (n % 3 === 0 ? random(30) : 30 + random(100));
          const report = await breakDisk({ disk, start, keys, random }, { call, at, error });
          expect(report.broken, `seed ${seed}, ${call} ${at}`).toEqual([]);
          if (!isUnharmed(call, report.path))
            expect(report.late, `answers after ${call} ${at} of ${report.path} had failed`).toBe(0);
          happened += Number(report.happened);
        }
        expect(happened).toBeGreaterThan(FAULTS / 2);
      },
      60_000 + FAULTS * 40_000,
    );
  });
}
