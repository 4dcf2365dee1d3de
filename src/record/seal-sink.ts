/** Where sealed frames go: leaves to the ledger unless they are in it already, rows to the index. */

import type { IndexWriter } from '../store/sessions.ts';
import type { SealSink } from './frame-sealer.ts';
import type { KnownLeaves } from './known-leaves.ts';
import type { SealBatch } from './seal-batch.ts';
import type { Position } from './watermarks.ts';

/** Returns a sink beside a living gateway: everything is new, and a frame that cannot be ours is a failure. */
export const liveSink = (batch: SealBatch, index: IndexWriter): SealSink => ({
  leaf: (body) => batch.add(body),
  session: (row) => index.session(row),
  refusal: (row) => index.refusal(row),
  problem: (message) => {
    throw new Error(message);
  },
});

/** Returns a sink for journals of a run that has ended: what ends at `sealed` or before it has its leaf already. */
export function recoverySink(
  batch: SealBatch,
  index: IndexWriter,
  known: KnownLeaves,
  sealed: Position,
  problem: (message: string) => void,
): SealSink {
  return {
    leaf(body, end) {
      const number = known.number(body);
      return number !== -1 || end <= sealed ? number : batch.add(body);
    },
    session: (row) => index.session(row),
    refusal: (row) => index.refusal(row),
    problem,
  };
}

/** Returns a sink that writes rows only: the ledger stays as it is. */
export const indexSink = (index: IndexWriter, known: KnownLeaves, problem: (message: string) => void): SealSink => ({
  leaf: (body) => known.number(body),
  session: (row) => index.session(row),
  refusal: (row) => index.refusal(row),
  problem,
});
