/**
 * One gRPC answer on its way to the caller: mask.answer → record.tee → respond. Nothing leaves before the opening record
 * is durable (promise 3); the record keeps exactly the bytes that leave; a caller who reads slowly holds the upstream.
 */

import { constants, type ServerHttp2Stream } from 'node:http2';
import { statusFields } from '../../protocol/grpc/status.ts';
import { Failure, type Reason } from '../../reasons.ts';
import type { Ending, Session } from '../../record/recorder.ts';
import { type AnswerJudge, judgeAnswer } from '../answer-rules.ts';
import { EvidenceGate } from '../evidence-gate.ts';
import { fieldValue } from '../http/fields.ts';
import type { GrpcCall } from './call.ts';
import { asTrailers, grpcAnswerFields, grpcTrailers } from './fields.ts';
import type { HoldSink } from '../answer-hold.ts';
import type { MessageHolds } from '../message-holds.ts';
import { PlainMessages, trailerTexts } from './hold.ts';
import type { GrpcAnswerMask } from './masks.ts';
import { chargeBytes, chargeText } from '../limits.ts';
import { dropRest } from '../http/drop-rest.ts';
import { refusalFor } from '../refusal.ts';
import { retryAfter } from '../refuse.ts';
import { guardSecret, type SecretGuard } from '../secret-guard.ts';

/** The reins of the upstream's half of a call. */
export interface GrpcFlow {
  pause(): void;
  resume(): void;
  /** Ends the upstream's half with CANCEL. */
  abort(): void;
}

/** What is told of a call that cannot go on, beside its reason. */
export interface GrpcFailing {
  /** The status, where the reason's own says less than is known. */
  readonly code?: number;
  readonly extra?: Readonly<Record<string, string>>;
}

/** How an answer is masked, and held until classifiers have looked at it. */
export interface GrpcMasks {
  readonly mask: GrpcAnswerMask | null;
  readonly holds: MessageHolds | null;
  /** The masking rules that apply to the first message of the answer. */
  readonly rules: readonly string[];
}

/** An answer of ours. */
export const NO_MASKS: GrpcMasks = { mask: null, holds: null, rules: [] };

/** Takes one answer as it arrives, or the word why there is none. `session` is null when no record could be opened. */
export class GrpcAnswer {
  readonly #call: GrpcCall;
  readonly #stream: ServerHttp2Stream;
  readonly #session: Session | null;
  readonly #mask: GrpcAnswerMask | null;
  readonly #holds: MessageHolds | null;
  /** Cuts an answer that is held into messages; null for others. */
  readonly #plain: PlainMessages | null;
  #rules: readonly string[];
  /** Lets out what is left of an answer that was held, once all of it was looked at. */
  #complete: (() => void) | null = null;
  readonly #judge: AnswerJudge | null;
  readonly #guard: SecretGuard | null;
  #flow: GrpcFlow | null = null;
  /** What is to leave waits here for what the caller has sent; null when that cannot be recorded. */
  readonly #gate: EvidenceGate | null;
  #paused = false;
  /** Pieces that are being read, which takes a turn of the loop when they are compressed. */
  #reading: Promise<void> | null = null;
  /** Runs while a caller leaves unread what was written; null until one has. */
  #stall: NodeJS.Timeout | null = null;
  #trailers: readonly string[] = [];
  /** The answer cannot go on; all that still leaves is the word why. */
  #failing: Failure | null = null;
  /** Trailers have left. */
  #finished = false;
  #over = false;
  #events = 0;

  constructor(call: GrpcCall, session: Session | null, { mask, holds, rules }: GrpcMasks) {
    this.#call = call;
    this.#stream = call.stream;
    this.#session = session;
    this.#mask = mask;
    this.#holds = holds;
    this.#plain = holds === null ? null : new PlainMessages(call.accepted.grpc.longest);
    this.#rules = rules;
    holds?.begin(this.#holdSink, rules);
    this.#judge = judgeAnswer(call);
    this.#guard = guardSecret(call.accepted.grpc.upstream.secret);
    this.#gate = session === null ? null : new EvidenceGate(session, (ok) => this.#durable(ok));
    this.#stream.on('close', this.#onClose).on('drain', this.#onDrain).on('wantTrailers', this.#onWantTrailers);
    // the caller may have left while the record was written or a human was asked
    if (this.#stream.closed || this.#stream.destroyed) this.#onClose();
    else if (this.#gate === null) this.#durable(false);
    else this.#gate.ask();
  }

  /** The caller has sent a further message, which is on record and not forwarded yet: nothing leaves before it is durable. */
  asked(): void {
    if (!this.over) this.#gate?.ask();
  }

  /** Adds the masking rules that a further message of the caller brings. Throws Failure `answer-unreadable`. */
  also(rules: readonly string[]): void {
    const mask = this.#mask;
    if (this.over || mask === null || rules.every((rule) => this.#rules.includes(rule))) return;
    this.#rules = [...new Set([...this.#rules, ...rules])];
    if (this.#holds === null) mask.also(rules);
    else this.#holds.turn(this.#rules, () => mask.also(rules));
  }

  /** True once nothing of the call can reach the caller any more. */
  get over(): boolean {
    return this.#over || this.#failing !== null;
  }

  flow(control: GrpcFlow): void {
    this.#flow = control;
    if (this.over) control.abort();
  }

  /** The head of the answer; `ended` when it is all there is (Trailers-Only). */
  head(raw: readonly string[], ended: boolean): void {
    const leave = (): void => {
      const { secret } = this.#call.accepted.grpc.upstream;
      const shown = this.#mask === null ? raw : this.#mask.head(raw);
      const fields = grpcAnswerFields(shown, this.#session?.id ?? '', this.#mask !== null, secret);
      this.#whenDurable(() => {
        this.#session?.head(200, fields);
        this.#stream.respond(fields, ended ? WHOLE : WITH_TRAILERS);
        if (!ended) return;
        this.#finished = true;
        this.#stopReading();
      });
    };
    this.#guarded(() => {
      this.#judge?.head(200, fieldValue(raw, 'content-type'));
      const { secret } = this.#call.accepted.grpc.upstream;
      // the server was asked not to: what it compresses cannot be searched for what it must not send back
      if (secret !== '' && !PLAIN.has(fieldValue(raw, 'grpc-encoding'))) this.#unread('its messages are compressed');
      this.#plain?.head(raw);
      if (ended) this.#behindHeld(raw, leave);
      else leave();
    });
  }

  /** Runs the last step of an answer once all of it, and what its trailers say, was looked at. */
  #behindHeld(rawTrailers: readonly string[], step: () => void): void {
    const holds = this.#holds;
    if (holds === null || holds.hold === null) return step();
    for (const text of trailerTexts(rawTrailers)) holds.tell(text);
    this.#complete = step;
    holds.hold.end(NOTHING);
  }

  readonly #holdSink: HoldSink = {
    release: (bytes, passed) => {
      this.#pass(bytes);
      passed();
    },
    behind: (step) => step(),
    released: () => this.#complete?.(),
    learnt: () => this.#judge?.learnt(),
    fail: (failure) => this.fail(failure),
    guarded: (step) => this.#guarded(step),
    pause: () => this.#pause(),
    resume: () => this.#onDrain(),
  };

  /** Holds whole messages, or passes them where no classifier is to look. */
  #hold(frames: readonly Buffer[]): void {
    for (const frame of frames) {
      if (this.over) return;
      const hold = this.#holds?.hold ?? null;
      if (hold === null) this.#pass(frame);
      else hold.push(frame);
    }
  }

  /** Masks and lets out whole messages that were held. */
  #pass(bytes: Buffer): void {
    const mask = this.#mask;
    if (mask === null) this.#events++;
    const pieces = mask === null ? [bytes] : mask.push(bytes);
    if (pieces instanceof Promise) throw new Failure('internal', 'expected messages that are not compressed');
    this.#leaveAll(pieces);
  }

  data(chunk: Buffer): void {
    this.#guarded(() => {
      const bytes = this.#guard === null ? chunk : this.#guard.push(chunk);
      const plain = this.#plain;
      chargeText(this.#call, null, chunk.length);
      if (this.#mask === null && plain === null) {
        this.#events++;
        return this.#leave(bytes);
      }
      if (this.#mask !== null) this.#keepOriginal(bytes);
      if (plain !== null)
        return this.#read(
          () => plain.push(bytes),
          NOTHING_MORE,
          (frames) => this.#hold(frames),
        );
      return this.#read(() => this.#mask?.push(bytes) ?? []);
    });
  }

  /** The answer ended as it should. */
  end(rawTrailers: readonly string[]): void {
    this.#guarded(() => {
      this.#flow = null;
      const rest = this.#guard?.end() ?? NOTHING;
      const mask = this.#mask;
      const plain = this.#plain;
      if (mask === null && plain === null) {
        this.#leave(rest);
        return this.#finish(rawTrailers);
      }
      if (mask !== null) this.#keepOriginal(rest);
      const complete = (): void => {
        this.#leaveAll(mask?.end() ?? []);
        this.#finish(mask?.trailers(rawTrailers) ?? rawTrailers);
      };
      if (plain !== null || mask === null)
        return this.#read(
          () => plain?.push(rest) ?? [rest],
          () => {
            plain?.end();
            this.#behindHeld(rawTrailers, complete);
          },
          (frames) => this.#hold(frames),
        );
      return this.#read(
        async () => [...(await mask.push(rest)), ...mask.end()],
        () => this.#finish(mask.trailers(rawTrailers)),
      );
    });
  }

  /** The call cannot go on. Harmless once it is over. */
  fail(failure: Failure, { code, extra = {} }: GrpcFailing = {}): void {
    if (this.over) return;
    if (this.#stream.closed || this.#stream.destroyed) return this.#onClose();
    this.#failing = failure;
    this.#holds?.hold?.drop();
    this.#flow?.abort();
    const tell = (ok: boolean): void => {
      if (this.#over) return;
      const told = ok ? failure : NO_RECORD;
      this.#failing = told;
      const details = { session: this.#session?.id ?? '', detail: told.detail };
      const refusal = refusalFor(told.reason, { ...details, extra: { ...extra, ...retryIn(this.#call, told.reason) } });
      this.#settle(told.reason);
      this.#refuse(statusFields(refusal, ok ? code : undefined));
    };
    if (this.#session === null) tell(false);
    else this.#session.durable(tell);
  }

  #unread(why: string): void {
    if (this.#call.accepted.served.config.opaque !== 'allow')
      throw new Failure('answer-unreadable', `an answer that has to be looked into: ${why}`);
    this.#session?.mark(`answer passed unread: ${why}`);
  }

  #refuse(status: readonly string[]): void {
    const stream = this.#stream;
    if (stream.headersSent) {
      this.#trailers = status;
      this.#session?.trailers(status);
      return void stream.end();
    }
    const session = this.#session === null ? [] : ['sallyport-session', this.#session.id];
    const fields = [':status', '200', 'content-type', 'application/grpc', ...session, ...status];
    this.#session?.head(200, fields);
    stream.respond(fields, WHOLE);
    this.#finished = true;
    this.#stopReading();
  }

  #durable(ok: boolean): void {
    if (!ok) return this.fail(NO_RECORD);
    this.#onDrain();
  }

  #whenDurable(step: () => void, bytes = 0): void {
    const gate = this.#gate;
    if (gate === null || gate.isOpen) return step();
    gate.pass(() => this.#guarded(step), bytes);
    if (gate.isCrowded) this.#pause();
  }

  /**
   * Runs one piece of reading behind those before it; the upstream waits for what takes longer than this turn. `take` gets
   * what was read; by default it leaves.
   */
  #read(
    pieces: () => readonly Buffer[] | Promise<readonly Buffer[]>,
    then: () => void = NOTHING_MORE,
    take: (pieces: readonly Buffer[]) => void = (read) => this.#leaveAll(read),
  ): void {
    const took = (read: readonly Buffer[]): void => {
      take(read);
      then();
    };
    if (this.#reading !== null) return this.#await(this.#reading.then(pieces), took);
    const read = pieces();
    if (read instanceof Promise) this.#await(read, took);
    else took(read);
  }

  #await(read: Promise<readonly Buffer[]>, took: (pieces: readonly Buffer[]) => void): void {
    this.#pause();
    const reading = this.#take(read, took).finally(() => {
      if (this.#reading === reading) this.#reading = null;
      this.#onDrain();
    });
    this.#reading = reading;
  }

  async #take(read: Promise<readonly Buffer[]>, took: (pieces: readonly Buffer[]) => void): Promise<void> {
    try {
      const pieces = await read;
      this.#guarded(() => took(pieces));
    } catch (cause) {
      this.fail(asFailure(cause));
    }
  }

  #leaveAll(pieces: readonly Buffer[]): void {
    this.#judge?.more(null);
    for (const piece of pieces) this.#leave(piece);
  }

  /** What is about to be masked, for auditors, where the config has it kept. */
  #keepOriginal(bytes: Buffer): void {
    if (this.#session?.original(bytes) !== false) return;
    throw new Failure('evidence-unavailable', 'the answer is over the bound of the recording');
  }

  #leave(bytes: Buffer): void {
    if (bytes.length === 0) return;
    chargeBytes(this.#call, bytes.length);
    this.#whenDurable(() => {
      if (this.#session?.bytes(bytes) !== true)
        throw new Failure('evidence-unavailable', 'the answer is over the bound of the recording');
      if (this.#stream.write(bytes)) return;
      this.#pause();
      this.#watchReader();
    }, bytes.length);
  }

  #finish(rawTrailers: readonly string[]): void {
    this.#whenDurable(() => {
      const trailers = grpcTrailers(rawTrailers, this.#call.accepted.grpc.upstream.secret);
      this.#trailers = trailers;
      this.#session?.trailers(trailers);
      this.#settle('completed');
      this.#stream.end();
      if (this.#stream.writableLength > 0) this.#watchReader();
    });
  }

  /** What waits for a caller takes memory and a stream to the model: one who reads nothing for too long is let go. */
  #watchReader(): void {
    const wait = this.#call.epoch.config.limits.stall_timeout;
    this.#stall = this.#stall === null ? setTimeout(this.#onStall, wait).unref() : this.#stall.refresh();
  }

  readonly #onStall = (): void => {
    if (this.#over || this.#stream.writableLength === 0) return;
    this.#flow?.abort();
    this.#close(STALLED, 'client_abort');
    this.#stream.close(constants.NGHTTP2_CANCEL);
    dropRest(this.#stream);
  };

  readonly #onWantTrailers = (): void => {
    this.#stream.sendTrailers(asTrailers(this.#trailers));
    this.#finished = true;
    this.#stopReading();
  };

  /** An answer may end before its request does. */
  #stopReading(): void {
    this.#call.messages?.stop();
    dropRest(this.#stream);
  }

  readonly #onClose = (): void => {
    if (this.#over) return;
    if (this.#finished) return this.#close(this.#failing, endedBy(this.#failing));
    if (this.#call.accepted.served.config.abort_upstream) this.#flow?.abort();
    else this.#flow?.resume();
    this.#close(LEFT, 'client_abort');
  };

  readonly #onDrain = (): void => {
    if (!this.#paused || this.#gate?.isCrowded === true || this.#reading !== null) return;
    if (this.#stream.writableNeedDrain || this.#holds?.hold?.full === true) return;
    this.#paused = false;
    this.#stopStall();
    this.#flow?.resume();
  };

  #stopStall(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#flow?.pause();
  }

  /** Runs a step that may find that the answer cannot pass; whatever it throws ends the answer. */
  #guarded(step: () => void): void {
    if (this.over) return;
    try {
      step();
    } catch (cause) {
      this.fail(asFailure(cause));
    }
  }

  #settle(reason: Reason): void {
    this.#call.settle({ reason, status: 200, usage: null });
  }

  #close(failure: Failure | null, ended: Ending['ended']): void {
    this.#over = true;
    this.#holds?.hold?.drop();
    this.#stopStall();
    this.#call.end({
      reason: failure?.reason ?? 'completed',
      status: 200,
      ended,
      usage: null,
      events: this.#mask?.messages ?? this.#events,
    });
  }
}

/** A refusal is ours; what went wrong upstream or behind it is not. */
const endedBy = (failure: Failure | null): Ending['ended'] => {
  if (failure === null) return 'ok';
  return /^(?:upstream|answer)-/.test(failure.reason) ? 'upstream_err' : 'refused';
};

const asFailure = (cause: unknown): Failure =>
  cause instanceof Failure ? cause : new Failure('internal', 'the answer could not be processed', { cause });

/** `date` is the upstream's to send (node's types do not know `sendDate`). */
const WHOLE = { endStream: true, sendDate: false };
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const PLAIN: ReadonlySet<string> = new Set(['', 'identity']);
const NOTHING = Buffer.alloc(0);
const NOTHING_MORE = (): void => {};
/** Returns what ErrorInfo says of when to come back, in seconds; empty where no limit says. */
function retryIn(call: GrpcCall, reason: Reason): Readonly<Record<string, string>> {
  const { retryAfter: seconds } = retryAfter(call, reason);
  return seconds === undefined || seconds === Infinity ? {} : { retry_after: String(seconds) };
}

const LEFT = new Failure('caller-left', 'the caller cancelled the call');
const STALLED = new Failure('caller-stalled', 'the caller left an answer unread for too long');
const NO_RECORD = new Failure('evidence-unavailable', 'the opening record could not be made durable');
