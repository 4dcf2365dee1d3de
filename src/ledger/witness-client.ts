/** Asks witnesses to cosign checkpoints: C2SP tlog-witness, `POST /add-checkpoint`. */

import type { Checkpoint } from './checkpoint.ts';
import { cosignaturesOf, type Witness } from './cosignature.ts';
import { Malformed } from './malformed.ts';
import type { Proof } from './proof.ts';

/** A witness, and where to ask it. */
export interface WitnessAt {
  readonly url: string;
  readonly witness: Witness;
}

/** What a witness makes of a checkpoint. */
type Answer =
  /** Its signature lines. */
  | { readonly kind: 'cosigned'; readonly lines: string }
  /** It has cosigned another size than we thought. */
  | { readonly kind: 'at'; readonly size: number }
  /** What it has cosigned is not the beginning of this. */
  | { readonly kind: 'other-history' }
  | { readonly kind: 'no-answer'; readonly why: string };

const TIMEOUT_MS = 3_000;
const MAX_ANSWER = 16 * 1024;

const post = async (url: string, old: number, proof: Proof, note: string): Promise<Answer> => {
  const lines = proof.map((hash) => `${hash.toBase64()}\n`).join('');
  const answer = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
    method: 'POST',
    body: `old ${old}\n${lines}\n${note}`,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = (await answer.text()).slice(0, MAX_ANSWER);
  if (answer.status === 200) return { kind: 'cosigned', lines: text };
  if (answer.status === 409 && /^\d{1,15}\n$/.test(text)) return { kind: 'at', size: Number(text) };
  if (answer.status === 422) return { kind: 'other-history' };
  return { kind: 'no-answer', why: `it answers ${answer.status}` };
};

/** What cosigning needs. */
export interface CosignOptions {
  readonly witnesses: readonly WitnessAt[];
  /** Returns the proof that the tree of `size2` extends that of `size1`, both at least 1. */
  readonly prove: (size1: number, size2: number) => Promise<Proof>;
  /** Hears of a witness that could not be asked. */
  readonly absent: (name: string, why: string) => void;
}

/** Keeps what each witness has cosigned last. */
export class Cosigners {
  readonly #options: CosignOptions;
  readonly #sizes = new Map<string, number>();
  #witnesses: readonly WitnessAt[];

  constructor(options: CosignOptions) {
    this.#options = options;
    this.#witnesses = options.witnesses;
  }

  /** Has others be asked from the next checkpoint on. */
  ask(witnesses: readonly WitnessAt[]): void {
    this.#witnesses = witnesses;
  }

  /**
   * Resolves to the lines to add to a signed checkpoint. Rejects with Malformed when a witness has seen more leaves, or
   * another history: then this log was rolled back or forked, and nothing may be signed on top of it. A witness that
   * does not answer is told of and left out.
   */
  async cosign(checkpoint: Checkpoint, note: string): Promise<string> {
    const lines = await Promise.all(this.#witnesses.map((each) => this.#ask(each, checkpoint, note)));
    return lines.join('');
  }

  async #ask({ url, witness }: WitnessAt, checkpoint: Checkpoint, note: string): Promise<string> {
    const { name } = witness;
    try {
      const known = this.#sizes.get(name) ?? checkpoint.size;
      let answer = await this.#post(url, Math.min(known, checkpoint.size), checkpoint, note);
      if (answer.kind === 'at') {
        refuseRollback(name, answer.size, checkpoint.size);
        answer = await this.#post(url, answer.size, checkpoint, note);
      }
      if (answer.kind === 'other-history') {
        throw new Malformed(
          `the witness ${name} has cosigned another history than this log of ${checkpoint.size} leaves`,
        );
      }
      if (answer.kind !== 'cosigned') {
        this.#options.absent(name, answer.kind === 'at' ? 'it has moved on' : answer.why);
        return '';
      }
      this.#sizes.set(name, checkpoint.size);
      return goodLines(note, answer.lines, witness);
    } catch (error) {
      if (error instanceof Malformed) throw error;
      this.#options.absent(name, error instanceof Error ? error.message : String(error));
      return '';
    }
  }

  async #post(url: string, old: number, { size }: Checkpoint, note: string): Promise<Answer> {
    const proof = old === 0 || old === size ? [] : await this.#options.prove(old, size);
    return post(url, old, proof, note);
  }
}

const refuseRollback = (name: string, seen: number, own: number): void => {
  if (seen <= own) return;
  throw new Malformed(`the witness ${name} has cosigned ${seen} leaves, and this log has ${own}: it was rolled back`);
};

/** Returns the lines of the witness's own cosignatures; a bad one is Malformed and stops the log, none are left out. */
const goodLines = (note: string, lines: string, witness: Witness): string => {
  const own = lines
    .split('\n')
    .filter((line) => line.startsWith(`— ${witness.name} `))
    .map((line) => `${line}\n`)
    .slice(0, 1)
    .join('');
  try {
    return cosignaturesOf(new TextEncoder().encode(note + own), [witness]).length === 1 ? own : '';
  } catch (error) {
    if (error instanceof Malformed) return '';
    throw error;
  }
};
