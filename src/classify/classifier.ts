/** classify: asks one outside classifier, within its bounds. What is not a usable answer is a failure, never a pass. */

import type { ClassifierConfig } from '../config.ts';
import type { Clock } from '../clock.ts';
import { Failure } from '../reasons.ts';
import { Circuit } from './circuit.ts';
import { dialectOf } from './dialects.ts';
import { type Dialect, type Question, type Said, unusable } from './question.ts';
import { type EndTurn, Turns } from './turns.ts';

/** One answer over HTTP. */
export interface Reply {
  readonly status: number;
  /** Null when it was longer than asked for. */
  readonly body: Buffer | null;
}

/** Posts JSON to a classifier and resolves to the whole answer; follows no redirect. Rejects when there is none, and once `signal` is aborted. */
export type Post = (
  request: { readonly path: string; readonly body: Buffer; readonly longest: number },
  signal: AbortSignal,
) => Promise<Reply>;

/** A classifier, ready to be asked. */
export interface Classifier {
  readonly name: string;
  readonly config: ClassifierConfig;
  /** Resolves to what it says. Rejects with Failure `classifier-unavailable`: its message says why, and nothing of what was asked or said. */
  ask(question: Question, signal: AbortSignal): Promise<Said>;
}

/** No answer is longer: findings of the longest question fit in. Bytes. */
const LONGEST_ANSWER = 4 * 1024 ** 2;
/** So many wait for each that is under way. */
const WAITING = 8;

/** Returns the classifier of a config. `post` leads to its URL. */
export function createClassifier(config: ClassifierConfig, post: Post, clock: Clock): Classifier {
  return new OutsideClassifier(config, post, clock);
}

class OutsideClassifier implements Classifier {
  readonly name: string;
  readonly config: ClassifierConfig;
  readonly #post: Post;
  readonly #dialect: Dialect;
  readonly #circuit: Circuit;
  readonly #turns: Turns;

  constructor(config: ClassifierConfig, post: Post, clock: Clock) {
    this.name = config.name;
    this.config = config;
    this.#post = post;
    this.#dialect = dialectOf(config);
    this.#circuit = new Circuit(config.circuit, () => clock.mono() / 1000);
    this.#turns = new Turns(config.concurrent, config.concurrent * WAITING);
  }

  async ask(question: Question, left: AbortSignal): Promise<Said> {
    const late = AbortSignal.timeout(this.config.timeout);
    const signal = AbortSignal.any([left, late]);
    const turn = await this.#turns.take(signal);
    if (turn === null) throw left.aborted ? LEFT : late.aborted ? this.#late() : failed('too many questions wait');
    return this.#inTurn(question, { signal, left, late }, turn);
  }

  async #inTurn(question: Question, signals: Signals, end: EndTurn): Promise<Said> {
    const { signal, left, late } = signals;
    try {
      if (!this.#circuit.enter()) throw failed('it has failed and is left alone for a while');
      try {
        const said = await this.#exchange(question, signal);
        this.#circuit.succeeded();
        return said;
      } catch (cause) {
        // a caller who leaves says nothing about the classifier
        if (left.aborted) throw LEFT;
        this.#circuit.failed();
        throw late.aborted ? this.#late() : asFailure(cause);
      }
    } finally {
      end();
    }
  }

  async #exchange(question: Question, signal: AbortSignal): Promise<Said> {
    const { path, body } = this.#dialect.post(question);
    const { status, body: answer } = await this.#post(
      { path, body: Buffer.from(body), longest: LONGEST_ANSWER },
      signal,
    );
    if (status !== 200) throw unusable(`status ${status}`);
    if (answer === null) throw unusable(`more than ${LONGEST_ANSWER} bytes`);
    return this.#dialect.read(parsed(answer), question);
  }

  #late(): Failure {
    return failed(`no answer within ${this.config.timeout} ms`);
  }
}

interface Signals {
  readonly signal: AbortSignal;
  readonly left: AbortSignal;
  readonly late: AbortSignal;
}

function parsed(answer: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer));
  } catch {
    // what V8 says of bad JSON quotes it
    throw unusable('what is no JSON');
  }
}

const failed = (why: string): Failure => new Failure('classifier-unavailable', why);
const LEFT = new Failure('caller-left', 'the caller left while a classifier was asked');

/** Errors of a connection say which host and port: that is for the operator, and holds nothing of the call. */
const asFailure = (cause: unknown): Failure =>
  cause instanceof Failure
    ? cause
    : new Failure('classifier-unavailable', `it cannot be reached (${codeOf(cause)})`, { cause });

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.name : 'unknown';
