/** Whether the leaves of a log make sense one after the other. */

import type { LeafCommon, Leaf, ReadLeaf } from './leaf.ts';
import type { Found } from './report.ts';

/** How far the checks of leaves have come: what another run goes on from. Pairs of a run or a session and a number. */
export interface LeavesState {
  readonly next: readonly (readonly [string, number])[];
  readonly open: readonly (readonly [string, number])[];
  readonly held: readonly (readonly [string, number])[];
}

/** Where they begin. */
const NO_LEAVES: LeavesState = { next: [], open: [], held: [] };

/** Takes leaves in order and checks what each says against those before. Memory grows with runs, open sessions and holds only. */
export class LeafChecks {
  readonly #found: Found;
  /** What each run of the gateway counts next. */
  readonly #next: Map<string, number>;
  /** Where each open session began. */
  readonly #open: Map<string, number>;
  /** Where each session that must not be erased was held. */
  readonly #held: Map<string, number>;

  constructor(found: Found, from: LeavesState = NO_LEAVES) {
    this.#found = found;
    this.#next = new Map(from.next);
    this.#open = new Map(from.open);
    this.#held = new Map(from.held);
  }

  /** Returns how far it has come. */
  get state(): LeavesState {
    return { next: [...this.#next], open: [...this.#open], held: [...this.#held] };
  }

  /** Takes the leaf at `index`. */
  take(index: number, read: ReadLeaf): void {
    this.#count(index, read.leaf);
    if (read.kind === 'known') this.#follow(index, read.leaf);
    else this.#found.finding('unknown-leaf', `leaf ${index}`, `a leaf of the type ${JSON.stringify(read.type)}`);
  }

  /** Tells of what is still open after the last leaf. */
  end(): void {
    for (const [sid, index] of this.#open) {
      this.#found.finding('open-session', `session ${sid}`, `began at leaf ${index} and has no end`);
    }
  }

  #count(index: number, { inst, iseq }: LeafCommon): void {
    const next = this.#next.get(inst) ?? 0;
    this.#next.set(inst, iseq + 1);
    if (iseq === next) return;
    this.#found.problem('sequence', `leaf ${index}`, `run ${inst} counts ${iseq} where ${next} is due`);
  }

  #follow(index: number, leaf: Leaf): void {
    if (leaf.type === 'session.start') {
      const before = this.#open.get(leaf.sid);
      this.#open.set(leaf.sid, index);
      if (before !== undefined) this.#problem(leaf.sid, `begins at leaf ${before} and again at leaf ${index}`);
    }
    if (leaf.type === 'hold.set') this.#held.set(leaf.sid, index);
    if (leaf.type === 'hold.released' && !this.#held.delete(leaf.sid)) {
      this.#problem(leaf.sid, `is released at leaf ${index} without having been held`);
    }
    if (leaf.type === 'content.erased') this.#erase(index, leaf.sids);
    if (leaf.type === 'session.end' || leaf.type === 'session.recovered') {
      if (!this.#open.delete(leaf.sid)) this.#problem(leaf.sid, `ends at leaf ${index} without having begun`);
    }
  }

  #erase(index: number, sids: readonly string[]): void {
    for (const sid of sids) {
      const held = this.#held.get(sid);
      if (held !== undefined) this.#problem(sid, `is erased at leaf ${index} though leaf ${held} holds it`);
      if (this.#open.has(sid)) this.#problem(sid, `is erased at leaf ${index} before it has ended`);
    }
  }

  #problem(sid: string, message: string): void {
    this.#found.problem('session', `session ${sid}`, message);
  }
}
