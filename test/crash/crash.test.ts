import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { generateSigner, parseSigner } from '../../src/ledger/note-key.ts';
import { buildForgetful } from './forgetful.ts';
import { type Claim, claimOf, crashMany, type CrashReport, seeded, type StartVictim } from './harness.ts';

const disk = buildForgetful();
/** How many times the gateway is killed; more by hand: CRASHES=200 vitest run test/crash */
const KILLS = Number(process.env['CRASHES'] ?? 25);

const recording = randomBytes(32);
const signer = generateSigner('sallyport.example/crash');
const keys = { recording, signer: parseSigner(signer) };

const start: StartVictim = async (folder, environment) => {
  const victim = new URL('victim.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [victim, folder, recording.toString('hex'), signer], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
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

const crash = (kills: number, seed: number, lies: boolean): Promise<CrashReport> => {
  if (disk === null) throw new Error('expected a C compiler');
  return crashMany({ disk, start, keys, kills, random: seeded(seed), within: 700, perFolder: 20, lies });
};

if (disk === null) {
  console.warn('crash: not run, there is no C compiler (cc) here');
  it('crash: not run, there is no C compiler (cc) here', () => {});
} else {
  describe('a gateway that is killed at any moment, with loss of everything that was not synced', () => {
    it(
      'keeps every opening whose answer was let go, every acknowledged leaf and every checkpoint; starts again and verifies',
      async () => {
        const seed = Date.now() % 1_000_000;
        const report = await crash(KILLS, seed, false);
        expect(report.broken, `seed ${seed}`).toEqual([]);
        // a test in which nothing was claimed or cut off would prove nothing
        expect(report.claims).toBeGreaterThan(KILLS * 3);
        expect(report.interrupted).toBeGreaterThan(0);
        console.log(`${report.kills} kills, ${report.claims} claims held`);
      },
      60_000 + KILLS * 6_000,
    );

    it('is found out when the disk lies about what it synced', async () => {
      const report = await crash(10, 1, true);
      expect(report.broken).not.toEqual([]);
    }, 120_000);
  });
}
