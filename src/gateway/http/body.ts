/** Reads a request body whole, within the inspection limit, the memory budget and the time that the config gives. */

import { Pieces } from '../../protocol/framing/pieces.ts';
import { Failure } from '../../reasons.ts';
import type { CallRequest } from './exchange.ts';

/** Bytes of request bodies in memory on this thread; one for all calls. */
export interface BodyBudget {
  /** Returns false when `bytes` more would pass the limit; nothing is taken then. */
  take(bytes: number): boolean;
  give(bytes: number): void;
  readonly used: number;
}

/** Returns a budget of `limit` bytes. */
export function createBodyBudget(limit: number): BodyBudget {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > limit) return false;
      used += bytes;
      return true;
    },
    give(bytes) {
      used -= bytes;
    },
    get used() {
      return used;
    },
  };
}

/** A body in memory; `release` gives its bytes back to the budget, once. */
export interface Body {
  readonly bytes: Buffer;
  release(): void;
}

const EMPTY: Body = { bytes: Buffer.alloc(0), release: () => {} };

interface Limits {
  readonly maxBody: number;
  readonly timeout: number;
  readonly budget: BodyBudget;
}

/**
 * Resolves to the body. `declared` is its Content-Length, or null when it comes in chunks.
 * Rejects with Failure `body-too-large`, `overloaded`, `body-timeout`, or `caller-left` when the caller went away.
 */
export function readBody(incoming: CallRequest, declared: number | null, limits: Limits): Promise<Body> {
  if (incoming.malformed) return Promise.reject(malformed());
  if (incoming.destroyed) return Promise.reject(left());
  if (declared === 0) return Promise.resolve(EMPTY);
  if (declared !== null && declared > limits.maxBody) return Promise.reject(tooLarge(limits.maxBody));
  // chunks may break their rules up to the last byte of the trailers: those are followed as they come
  const whole = declared === null ? null : (incoming.takeWhole?.() ?? null);
  if (whole !== null) return takeBody(whole, limits);
  return new Promise((resolve, reject) => new Reading(incoming, limits, resolve, reject));
}

/** Resolves to a body that is all there. Rejects as `readBody` does. */
async function takeBody(bytes: Buffer, { maxBody, budget }: Limits): Promise<Body> {
  if (bytes.length > maxBody) throw tooLarge(maxBody);
  if (!budget.take(bytes.length)) throw crowded();
  return bodyOf(bytes, budget);
}

function bodyOf(bytes: Buffer, budget: BodyBudget): Body {
  let held = bytes.length;
  return {
    bytes,
    release() {
      budget.give(held);
      held = 0;
    },
  };
}

const crowded = (): Failure => new Failure('overloaded', 'request bodies fill their memory budget');

const left = (): Failure => new Failure('caller-left', 'the caller left while sending the body');

const malformed = (): Failure => new Failure('body-unreadable', 'the framing of the request body is broken');

const tooLarge = (limit: number): Failure =>
  new Failure('body-too-large', `request body is over ${limit} bytes`, {
    detail: `At most ${limit} bytes are accepted.`,
  });

class Reading {
  readonly #incoming: CallRequest;
  readonly #limits: Limits;
  readonly #resolve: (body: Body) => void;
  readonly #reject: (failure: Failure) => void;
  readonly #pieces = new Pieces();
  readonly #timer: NodeJS.Timeout;

  constructor(
    incoming: CallRequest,
    limits: Limits,
    resolve: (body: Body) => void,
    reject: (failure: Failure) => void,
  ) {
    this.#incoming = incoming;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(
      () => this.#fail(new Failure('body-timeout', 'request body did not arrive in time')),
      limits.timeout,
    );
    incoming
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('malformed', this.#onMalformed)
      .on('close', this.#onClose)
      .on('error', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#pieces.length + chunk.length > this.#limits.maxBody) return this.#fail(tooLarge(this.#limits.maxBody));
    if (!this.#limits.budget.take(chunk.length)) return this.#fail(crowded());
    this.#pieces.add(chunk);
  };

  readonly #onEnd = (): void => {
    // half a body is none: a stream that was reset ends, too
    if (!this.#incoming.complete) return this.#onClose();
    this.#detach();
    this.#resolve(bodyOf(this.#pieces.take(), this.#limits.budget));
  };

  readonly #onMalformed = (): void => this.#fail(malformed());

  readonly #onClose = (): void => this.#fail(left());

  #fail(failure: Failure): void {
    this.#detach();
    this.#limits.budget.give(this.#pieces.length);
    this.#incoming.pause();
    this.#reject(failure);
  }

  #detach(): void {
    clearTimeout(this.#timer);
    this.#incoming
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('malformed', this.#onMalformed)
      .off('close', this.#onClose)
      .off('error', this.#onClose);
  }
}
