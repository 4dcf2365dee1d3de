/** Leaves on their way into the ledger: numbered at once, appended together with the memo that goes with them. */

import type { Clock } from '../clock.ts';
import { encodeLeaf, type LeafBody } from '../ledger/leaf.ts';
import type { Log as Ledger } from '../ledger/log.ts';

/** The leaves of one run of the gateway that are not in the ledger yet. */
export class SealBatch {
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #instance: string;
  #leaves: Uint8Array[] = [];
  #iseq = 0;
  #bytes = 0;

  constructor(ledger: Ledger, clock: Clock, instance: string) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#instance = instance;
  }

  /** How many leaves this run has written, waiting ones included. */
  get iseq(): number {
    return this.#iseq;
  }

  /** The number that the next leaf gets. */
  get next(): number {
    return this.#ledger.size + this.#leaves.length;
  }

  get isEmpty(): boolean {
    return this.#leaves.length === 0;
  }

  /** Bytes of all leaves that this run has written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a leaf and returns its number. */
  add(body: LeafBody): number {
    const number = this.next;
    const leaf = encodeLeaf({ ...body, v: 1, ts: this.#clock.now(), inst: this.#instance, iseq: this.#iseq });
    this.#leaves.push(leaf);
    this.#bytes += leaf.length;
    this.#iseq++;
    return number;
  }

  /** Appends the waiting leaves to the ledger. They are on the disk after the ledger's next `sync`. */
  commit(memo: string): void {
    this.#ledger.append(this.#leaves, Buffer.from(memo));
    this.#leaves = [];
  }
}
