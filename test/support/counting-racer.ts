/** One of several threads that take from the same counts as fast as they can. */

import { parentPort, workerData } from 'node:worker_threads';
import { keysOf } from '../../src/limit/count-key.ts';
import { Counts, FULL } from '../../src/limit/counts.ts';

/** What a racer is told. */
export interface Race {
  readonly memory: SharedArrayBuffer;
  /** One cell: the racers begin when it is 1. */
  readonly start: SharedArrayBuffer;
  readonly secret: Uint8Array;
  readonly id: string;
  readonly names: readonly string[];
  readonly width: number;
  readonly most: number;
  readonly attempts: number;
  /** The time that all racers go by, in milliseconds. */
  readonly now: number;
  /** Every so many-th that was taken is given back at once. */
  readonly givesBack: number;
}

/** What a racer did: what it kept by name, the most places that it saw itself hold, and refusals for want of room. */
export interface Raced {
  readonly kept: Readonly<Record<string, number>>;
  readonly places: number;
  readonly full: number;
}

const race: Race = workerData;
const counts = new Counts(race.memory);
const keyOf = keysOf(race.secret, race.id, race.width);
const placeOf = keysOf(race.secret, 'places', 1000);
const started = new Int32Array(race.start);
Atomics.add(started, 1, 1);
Atomics.notify(started, 1);
Atomics.wait(started, 0, 0);

const kept: Record<string, number> = {};
let full = 0;
let taken = 0;
let places = 0;
for (let attempt = 0; attempt < race.attempts; attempt++) {
  const name = race.names[attempt % race.names.length]!;
  const cell = counts.take(keyOf(name), 1, race.most, race.now);
  if (cell === FULL) full++;
  if (cell >= 0) {
    taken++;
    if (race.givesBack > 0 && taken % race.givesBack === 0) counts.giveBack(keyOf(name), cell, 1);
    else kept[name] = (kept[name] ?? 0) + 1;
  }
  // cells 2 and 3 of the start buffer: who is inside now, and whether there were ever too many
  if (counts.takePlace(placeOf(''), 3, race.now) === 0) {
    const inside = Atomics.add(started, 2, 1) + 1;
    places = Math.max(places, inside);
    Atomics.sub(started, 2, 1);
    counts.givePlace(placeOf(''));
  }
}
parentPort?.postMessage({ kept, places, full } satisfies Raced);
