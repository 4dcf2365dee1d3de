import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { tellAnswer, tellCommand } from '../tell.ts';
import type { World } from '../world.ts';
import type { Step } from './step.ts';

/** The record verifies. */
export const ledgerVerifies: Step = {
  title: 'The record is verified: nothing was changed, removed or reordered',
  why: 'Every session is in a Merkle tree of a public format. Files and a public key are enough to check it, anywhere.',
  async run(world) {
    await everythingSealed(world);
    tellCommand(`sallyport ${VERIFY.join(' ')}`);
    const verified = await world.sallyport(VERIFY);
    tellAnswer(verified.stdout + verified.stderr);
    assert.equal(verified.code, 0, 'the record does not verify');
    assert.match(verified.stdout, /ledger: \d+ leaves, .*verified/);
    assert.match(verified.stdout, /journals: .*verified/);
    return 'ledger and journals are in order';
  },
};

const VERIFY = ['ledger', 'verify', 'data', '--key', 'keys/ledger.pub'];
const WITHIN_MS = 10_000;

/** Resolves once no session is open and every frame is under a checkpoint; the gateway signs one each second. */
async function everythingSealed({ sallyport }: World): Promise<void> {
  for (const until = Date.now() + WITHIN_MS; Date.now() < until; await sleep(200)) {
    const { stdout } = await sallyport([...VERIFY, '--json']);
    const { journals }: { journals: { open: number; unsealed: number } } = JSON.parse(stdout);
    if (journals.open === 0 && journals.unsealed === 0) return;
  }
  throw new Error('not everything was sealed within 10 s');
}
