/** Holds what is to leave until all that the caller had sent by then is on the disk (promise 3: no evidence, no answer). */

import type { Session } from '../record/recorder.ts';

interface Waiting {
  /** How much of the caller's must be on the disk first. */
  readonly behind: number;
  readonly step: () => void;
  readonly bytes: number;
}

/** What may wait before whoever sends it is to be held. Less must not hold: a caller that keeps talking keeps the disk behind. */
const MOST_WAITING = 256 * 1024;

/** The gate of one answer. Steps run in the order in which they came. */
export class EvidenceGate {
  readonly #session: Pick<Session, 'durable'>;
  readonly #settled: (ok: boolean) => void;
  #asked = 0;
  #durable = 0;
  #failed = false;
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** `settled` hears each time something has become durable, after the steps that waited for it; false once nothing ever will. */
  constructor(session: Pick<Session, 'durable'>, settled: (ok: boolean) => void) {
    this.#session = session;
    this.#settled = settled;
  }

  /** The caller has sent something, and it is on record: what leaves from now on waits for it. */
  ask(): void {
    const at = ++this.#asked;
    this.#session.durable((ok) => (ok ? this.#open(at) : this.#fail()));
  }

  /** Nothing is waited for, and nothing waits. */
  get isOpen(): boolean {
    return this.#durable === this.#asked && this.#waiting.length === 0;
  }

  /** More waits than should. */
  get isCrowded(): boolean {
    return this.#bytes > MOST_WAITING;
  }

  /** Runs the step, which lets so many bytes leave, at once or when it may. Not at all once the evidence has failed. */
  pass(step: () => void, bytes = 0): void {
    if (this.isOpen) return step();
    if (this.#failed) return;
    this.#waiting.push({ behind: this.#asked, step, bytes });
    this.#bytes += bytes;
  }

  #open(at: number): void {
    this.#durable = at;
    // what a step lets pass comes behind those that wait already
    for (let [first] = this.#waiting; first !== undefined && first.behind <= this.#durable; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#bytes -= first.bytes;
      first.step();
    }
    this.#settled(true);
  }

  #fail(): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.#settled(false);
  }
}
