/** The messages of a caller, one at a time: the next is read when the last has been passed on. */

import type { Duplex } from 'node:stream';
import { type GrpcFrame, FrameSplitter } from '../../protocol/grpc/grpc.ts';
import { Failure } from '../../reasons.ts';
import type { BodyBudget } from '../http/body.ts';

/** What reading is bounded by. */
export interface MessageLimits {
  /** Bytes of one message. */
  readonly longest: number;
  /** Milliseconds that a message may take from its first byte to its last; the first one from when it is asked for, if `prompt`. */
  readonly timeout: number;
  /** The caller has nothing to wait for before it sends: the method takes one message. */
  readonly prompt: boolean;
  readonly budget: BodyBudget;
}

interface Waiting {
  readonly resolve: (frame: GrpcFrame | null) => void;
  readonly reject: (failure: Failure) => void;
}

/** Where messages come from: the caller's half of an HTTP/2 stream. */
export type MessageSource = Pick<Duplex, 'on' | 'off' | 'pause' | 'resume'>;

/** Reads a stream from when it is made. Holds one message, and what came in one read with it. */
export class CallerMessages {
  readonly #stream: MessageSource;
  readonly #limits: MessageLimits;
  readonly #splitter: FrameSplitter;
  #frames: GrpcFrame[] = [];
  #waiting: Waiting | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failure: Failure | null = null;
  #ended = false;
  /** Bytes taken from the budget. */
  #held = 0;
  /** Of these, bytes of the message that was handed out last. */
  #out = 0;

  constructor(stream: MessageSource, limits: MessageLimits) {
    this.#stream = stream;
    this.#limits = limits;
    this.#splitter = new FrameSplitter({
      longest: limits.longest,
      tooLong: 'body-too-large',
      malformed: 'body-unreadable',
    });
    stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  /** Resolves to the next message, null when the caller has no more. Rejects with Failure. One reader at a time. */
  next(): Promise<GrpcFrame | null> {
    this.#give(this.#out);
    this.#out = 0;
    const frame = this.#frames.shift();
    if (frame !== undefined) return Promise.resolve(this.#handOut(frame));
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#watch();
      this.#stream.resume();
    });
  }

  /** Stops reading: what still comes is dropped by whoever ends the stream. */
  stop(): void {
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#unwatch();
    this.#waiting = null;
    this.#frames = [];
    this.#give(this.#held);
    this.#out = 0;
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      if (!this.#limits.budget.take(chunk.length))
        throw new Failure('overloaded', 'messages of callers fill their memory budget');
      this.#held += chunk.length;
      this.#frames.push(...this.#splitter.push(chunk));
    } catch (cause) {
      return this.#fail(
        cause instanceof Failure ? cause : new Failure('internal', 'a message could not be cut', { cause }),
      );
    }
    this.#hand();
    if (this.#frames.length > 0) this.#stream.pause();
    else if (this.#waiting !== null) this.#watch();
  };

  readonly #onEnd = (): void => {
    try {
      this.#splitter.end();
    } catch (cause) {
      return this.#fail(
        cause instanceof Failure ? cause : new Failure('internal', 'a stream could not be ended', { cause }),
      );
    }
    this.#ended = true;
    this.#hand();
    if (this.#frames.length > 0) return;
    this.#unwatch();
    this.#waiting?.resolve(null);
    this.#waiting = null;
  };

  readonly #onClose = (): void => {
    if (!this.#ended) this.#fail(new Failure('caller-left', 'the caller cancelled the call'));
  };

  #hand(): void {
    if (this.#waiting === null) return;
    const frame = this.#frames.shift();
    if (frame === undefined) return;
    this.#unwatch();
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(this.#handOut(frame));
  }

  #handOut(frame: GrpcFrame): GrpcFrame {
    this.#out = frame.bytes.length;
    return frame;
  }

  #fail(failure: Failure): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#frames = [];
    this.#unwatch();
    this.#stream.pause();
    this.#waiting?.reject(failure);
    this.#waiting = null;
  }

  #give(bytes: number): void {
    this.#held -= bytes;
    this.#limits.budget.give(bytes);
  }

  /** A message that has begun, or that nothing keeps from beginning, has to arrive in time. */
  #watch(): void {
    if (this.#timer !== null || (this.#splitter.held === 0 && !this.#limits.prompt)) return;
    this.#timer = setTimeout(
      () => this.#fail(new Failure('body-timeout', 'a message did not arrive in time')),
      this.#limits.timeout,
    );
  }

  #unwatch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
