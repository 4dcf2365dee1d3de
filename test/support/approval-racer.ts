/** A thread with a connection of its own to a database of approvals. Entry of a worker thread; see approve/race.test.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import type { Ballot, Claim } from '../../src/approve/approvals.ts';
import { openApprovals } from '../../src/approve/approve.ts';
import { approvalHashes } from '../../src/approve/envelope.ts';
import type { ApprovalTables } from '../../src/store/approvals.ts';
import { openState } from '../../src/store/sqlite.ts';

/** What a racer is to do, all at once. */
export interface Race {
  readonly folder: string;
  readonly now: number;
  /** Counts the racers that are ready, then lets them go. */
  readonly gate: Int32Array<SharedArrayBuffer>;
  readonly racers: number;
  readonly claims: readonly Claim[];
  readonly ballots: readonly Ballot[];
}

const isRace = (value: unknown): value is Race => typeof value === 'object' && value !== null && 'gate' in value;

const race: unknown = workerData;
if (!isRace(race)) throw new Error('expected a race');

const store = openState<ApprovalTables>(race.folder);
const { now, gate } = race;
const approvals = openApprovals({
  store,
  seal: () => Promise.resolve(),
  hashes: approvalHashes(new Uint8Array(32)),
  box: { seal: (bytes) => bytes, open: (sealed) => sealed },
  clock: { now: () => now, mono: () => now * 1000 },
  pendingPerCaller: 3,
});

if (Atomics.add(gate, 0, 1) + 1 === race.racers) Atomics.notify(gate, 0);
else while (Atomics.load(gate, 0) < race.racers) Atomics.wait(gate, 0, Atomics.load(gate, 0), 50);

const outcomes = await Promise.all([
  ...race.claims.map((claim) => approvals.claim(claim)),
  ...race.ballots.map((ballot) => approvals.vote(ballot)),
]);
await store.close();
parentPort?.postMessage(outcomes.map((outcome) => (outcome.kind === 'refused' ? outcome : { kind: outcome.kind })));
