/** What model servers say of their models, kept for a while: asked for once at a time, bounded, and asked for again. */

import type { Clock } from '../clock.ts';
import type { InputSets } from '../protocol/model-inputs.ts';
import { Failure } from '../reasons.ts';

/** Names of models come from callers, so only so many are remembered. */
const MOST = 256;
/** How soon at the earliest a server is asked the same again, whatever it said. Milliseconds. */
const AT_LEAST = 1_000;

/** What a server said, or that it said nothing. */
interface Said {
  readonly at: number;
  readonly answer: Promise<InputSets>;
}

/** Which generation of models is loaded, in memory that all data workers share. */
export class ModelGeneration {
  readonly #count: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#count = new Int32Array(memory);
  }

  /** Bytes of such a memory. */
  static readonly bytes = 4;

  get current(): number {
    return Atomics.load(this.#count, 0);
  }

  /** Says to every worker that models were loaded or unloaded. */
  next(): void {
    Atomics.add(this.#count, 0, 1);
  }
}

/** The metadata of one service's models. */
export class MetadataCache {
  readonly #said = new Map<string, Said>();
  readonly #fresh: number;
  readonly #clock: Clock;
  readonly #generation: ModelGeneration;
  /** Of what is remembered. */
  #known: number;

  constructor(fresh: number, clock: Clock, generation: ModelGeneration) {
    this.#fresh = fresh;
    this.#clock = clock;
    this.#generation = generation;
    this.#known = generation.current;
  }

  /**
   * Resolves to what the server says under this key: what it said before while that is fresh. `anew`: asks again, unless
   * it was asked a moment ago. Rejects with Failure `metadata-unavailable`.
   */
  get(key: string, ask: () => Promise<InputSets>, anew = false): Promise<InputSets> {
    this.#forgetOthers();
    const now = this.#clock.now();
    const known = this.#said.get(key);
    const age = known === undefined ? Infinity : now - known.at;
    if (known !== undefined && age >= 0 && age < (anew ? AT_LEAST : this.#fresh)) return known.answer;
    const answer = asked(ask);
    this.#said.delete(key);
    // what did not work is tried again soon
    const said: Said = { at: now, answer };
    answer.catch(() => {
      if (this.#said.get(key) === said) this.#said.set(key, { at: now - this.#fresh + AT_LEAST, answer });
    });
    if (this.#said.size >= MOST) this.#forgetOldest();
    this.#said.set(key, said);
    return answer;
  }

  /** Forgets everything, in every worker: models of a server were loaded or unloaded. */
  clear(): void {
    this.#generation.next();
  }

  #forgetOthers(): void {
    const { current } = this.#generation;
    if (current === this.#known) return;
    this.#known = current;
    this.#said.clear();
  }

  #forgetOldest(): void {
    for (const key of this.#said.keys()) return void this.#said.delete(key);
  }
}

async function asked(ask: () => Promise<InputSets>): Promise<InputSets> {
  try {
    const sets = await ask();
    if (sets.length > 0) return sets;
  } catch (cause) {
    throw unavailable(cause);
  }
  throw unavailable(undefined);
}

const unavailable = (cause: unknown): Failure =>
  new Failure('metadata-unavailable', 'expected the model server to say what the model takes', { cause });
