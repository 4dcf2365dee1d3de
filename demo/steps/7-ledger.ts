import assert from 'node:assert/strict';
import { tellAnswer, tellCommand } from '../tell.ts';
import type { Step } from './step.ts';

/** The record verifies. */
export const ledgerVerifies: Step = {
  title: 'The record is verified: nothing was changed, removed or reordered',
  why: 'Every session is a leaf of a Merkle tree in public formats; files and a public key are enough to check them.',
  async run({ sallyport, left }) {
    tellCommand('sallyport ledger verify');
    const verified = await sallyport(['ledger', 'verify']);
    tellAnswer(verified.stdout + verified.stderr);
    assert.equal(verified.code, 0, 'the ledger does not verify');
    assert.notEqual(left.streamedSession, '');
    return 'the whole record is in order';
  },
};
