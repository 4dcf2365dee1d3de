/**
 * One answer on its way to the caller: mask.answer → record.tee → respond. Nothing leaves before the opening record
 * is durable (promise 3); the record keeps exactly the bytes that leave; a caller who reads slowly holds the upstream.
 */

import { type AnswerMask, stepsOf } from '../mask/answer-mask.ts';
import type { Ending, Session } from '../record/recorder.ts';
import type { Operation } from '../protocol/codec.ts';
import { type Framing, framingOf } from '../protocol/framing/framing.ts';
import { Failure, type Reason } from '../reasons.ts';
import { answerLimit, TURN } from '../turns.ts';
import type { CallResponse } from './http/exchange.ts';
import { answerFields, codingOf, fieldValue, interimFields, replaceFields, trailerFields } from './http/fields.ts';
import type { AnswerHold } from './answer-hold.ts';
import { type AnswerJudge, judgeAnswer } from './answer-rules.ts';
import type { AnswerSink, Flow } from './forward.ts';
import { HeldAnswer } from './held-answer.ts';
import { HeldMemory } from './held-memory.ts';
import { InOrder, longBytes } from './in-order.ts';
import { InterimHeads } from './interim-heads.ts';
import { chargeBytes, chargeText, checkLength } from './limits.ts';
import { type RefusalDetails, refusalFor, writeRefusal } from './refusal.ts';
import type { AnswerMasks } from './masks.ts';
import { retryAfter } from './refuse.ts';
import { OnceDurable } from './once-durable.ts';
import { ReaderWatch } from './reader-watch.ts';
import { guardSecret, type SecretGuard } from './secret-guard.ts';
import type { Underway } from './underway.ts';

/** A status without content (RFC 9110 §6.4.1). */
const isBodiless = (method: string | undefined, status: number): boolean =>
  method === 'HEAD' || status === 204 || status === 304;

/** What an operation that the protocol does not know is taken for. */
const UNKNOWN: Operation = { name: 'unknown', body: 'opaque' };

/** The sink that answers one caller. */
export class Answer implements AnswerSink {
  readonly #call: Underway;
  readonly #res: CallResponse;
  readonly #session: Session;
  readonly #masks: AnswerMasks;
  readonly #judge: AnswerJudge | null;
  readonly #guard: SecretGuard | null;
  readonly #held = new HeldAnswer();
  readonly #order: InOrder;
  readonly #record: OnceDurable;
  readonly #memory: HeldMemory;
  readonly #reader: ReaderWatch;
  readonly #interim = new InterimHeads();
  #flow: Flow | null = null;
  /** What holds the answer until classifiers have looked at it; null where none does. */
  #hold: AnswerHold | null = null;
  /** Lets the head out that waits for the first release. */
  #heldHead: (() => void) | null = null;
  #trailers: readonly string[] = [];
  #mask: AnswerMask | null = null;
  #status = 0;
  /** How the answer carries events; null when it carries none. */
  #framing: Framing | null = null;
  /** The head of an answer that leaves whole, until it does. */
  #whole: { readonly statusText: string; readonly fields: string[] } | null = null;
  #paused = false;
  /** The answer cannot go on; all that still leaves is the word why. */
  #failing = false;
  /** Body bytes have been written. */
  #begun = false;
  #over = false;
  #events = 0;

  constructor(call: Underway, session: Session, masks: AnswerMasks) {
    this.#call = call;
    this.#res = call.res;
    this.#session = session;
    this.#masks = masks;
    this.#judge = judgeAnswer(call);
    this.#guard = guardSecret(call.accepted.served.upstream.secret);
    this.#order = new InOrder({
      limit: answerLimit(call.epoch.config.limits.inspection),
      room: call.gate.room,
      left: () => this.#over || this.#failing,
      guarded: (step) => this.#guarded(step),
      fail: (cause) => this.fail(asFailure(cause)),
      done: () => this.#onDrain(),
    });
    this.#record = new OnceDurable(session, {
      run: (step) => this.#guarded(step),
      durable: () => this.#onDrain(),
      failed: () => this.fail(new Failure('evidence-unavailable', 'the opening record could not be made durable')),
    });
    this.#memory = new HeldMemory(call.gate.budget);
    this.#reader = new ReaderWatch(call.epoch.config.limits.stall_timeout, () => this.#stalled());
    this.#res.on('close', this.#onClose).on('drain', this.#onDrain);
    // the caller may have left while the record was written or a human was asked
    if (this.#res.destroyed) this.#onClose();
  }

  flow(control: Flow): void {
    this.#flow = control;
    if (this.#over) control.abort();
  }

  /** An interim head leaves by the rules of the answer's own, and is on record ahead of it (RFC 9110 §15.2, RFC 8297). */
  interim(status: number, rawHeaders: readonly string[]): void {
    this.#guarded(() => {
      this.#interim.count(rawHeaders);
      const fields = interimFields(this.#masks.lines(rawHeaders), this.#call.accepted.served.upstream.secret);
      this.#record.ask();
      this.#session.head(status, fields);
      this.#whenDurable(() => this.#res.writeInterim(status, fields));
    });
  }

  head(status: number, statusText: string, rawHeaders: readonly string[]): void {
    if (this.#over || this.#failing) return;
    this.#status = status;
    const res = this.#res;
    const session = this.#session;
    const contentType = fieldValue(rawHeaders, 'content-type');
    const { operation, served } = this.#call.accepted;
    this.#framing = framingOf(served.codec, operation ?? UNKNOWN, contentType);
    let [shown, words] = [rawHeaders, statusText];
    this.#guarded(() => {
      // nobody asked for a part, and in a part what is to be masked may be half
      if (this.#masks.reads && status === 206) throw new Failure('answer-unreadable', 'expected a whole answer');
      [shown, words] = [this.#masks.lines(rawHeaders), this.#masks.phrase(statusText)];
      this.#judge?.head(status, contentType);
      if (!isBodiless(res.req.method, status))
        this.#mask = this.#masks.for(contentType, codingOf(rawHeaders), rawHeaders);
      if (!isBodiless(res.req.method, status)) this.#hold = this.#holdFor(contentType, rawHeaders);
      if (this.#mask?.kind !== 'whole') checkLength(this.#call, fieldValue(rawHeaders, 'content-length'));
    });
    if (this.#over || this.#failing) return;
    const { secret } = served.upstream;
    const kept = answerFields(shown, session.id, this.#masks.reads && this.#mask !== null, secret);
    // RFC 9112 §7.1.2: trailers come behind chunks; node refuses to announce others
    const chunked = !isBodiless(res.req.method, status) && fieldValue(kept, 'content-length') === '';
    const fields = chunked ? kept : without(kept, 'trailer');
    const phrase = secret !== '' && words.includes(secret) ? '' : words;
    res.sendDate = false;
    this.#record.ask();
    // a whole answer sets its own length when it is known
    if (this.#mask?.kind === 'whole') {
      this.#whole = { statusText: phrase, fields: without(without(fields, 'content-length'), 'trailer') };
      return;
    }
    const leave = (): void => {
      session.head(status, fields);
      this.#whenDurable(() => this.#writeHead(status, phrase, fields));
    };
    // an answer that is held may still be refused: its head leaves with what is released first
    if (this.#hold === null) leave();
    else this.#heldHead = leave;
  }

  data(chunk: Buffer): void {
    this.#events++;
    const began = performance.now();
    this.#guarded(() => {
      const bytes = this.#guard === null ? chunk : this.#guard.push(chunk);
      this.#keepOriginal(bytes);
      if (this.#hold === null) this.#pass(bytes, chunk.length);
      else this.#hold.push(bytes);
    });
    // what comes fast and takes long would come again before anybody else has had a turn
    if (performance.now() - began > TURN) this.#yield();
  }

  /** Masks and lets out what has come; `came` is how much that was. */
  #pass(bytes: Buffer, came: number): void {
    this.#order.run(() => {
      const mask = this.#mask;
      if (mask === null) {
        chargeText(this.#call, null, came);
        return this.#leave(bytes);
      }
      this.#masked(mask, bytes, (pieces) => {
        chargeText(this.#call, mask, came);
        this.#leaveJudged(pieces, mask);
      });
    });
  }

  /** Masks the next bytes, the rest for null; in turns where that is long, with nothing more coming meanwhile. */
  #masked(mask: AnswerMask, bytes: Buffer | null, then: (pieces: readonly Buffer[]) => void): void {
    const long = longBytes(mask, bytes);
    if (long > 0) {
      this.#pause();
      return this.#order.inTurns(stepsOf(mask, bytes), long, then);
    }
    const pieces = bytes === null ? mask.end() : mask.push(bytes);
    this.#memory.count(mask);
    then(pieces);
  }

  #yield(): void {
    this.#pause();
    setImmediate(() => this.#onDrain());
  }

  #holdFor(contentType: string, rawHeaders: readonly string[]): AnswerHold | null {
    const { holds } = this.#masks;
    if (holds === null) return null;
    return holds.for(contentType, codingOf(rawHeaders), rawHeaders, {
      release: (bytes) => {
        this.#leaveHead();
        this.#pass(bytes, bytes.length);
      },
      behind: (step) => step(),
      released: () => {
        this.#leaveHead();
        this.#complete(NOTHING);
      },
      learnt: () => this.#judge?.learnt(),
      fail: (failure) => this.fail(failure),
      guarded: (step) => this.#guarded(step),
      pause: () => this.#pause(),
      resume: () => this.#onDrain(),
    });
  }

  #leaveHead(): void {
    const leave = this.#heldHead;
    this.#heldHead = null;
    leave?.();
  }

  end(rawTrailers: readonly string[]): void {
    // the connection is another call's from here on: it is not ours to hold any more
    this.#flow = null;
    this.#trailers = rawTrailers;
    this.#guarded(() => {
      const rest = this.#guard?.end() ?? NOTHING;
      this.#keepOriginal(rest);
      if (this.#hold === null) this.#complete(rest);
      else this.#hold.end(rest);
    });
  }

  /** Lets out what is left of an answer that has come whole. */
  #complete(rest: Buffer): void {
    this.#order.run(() => {
      const mask = this.#mask;
      if (mask === null) {
        this.#leave(rest);
        return this.#finishWhenDurable();
      }
      this.#masked(mask, rest, (pieces) =>
        this.#masked(mask, null, (last) => this.#completed(mask, [...pieces, ...last])),
      );
    });
  }

  #completed(mask: AnswerMask, pieces: readonly Buffer[]): void {
    chargeText(this.#call, mask, 0);
    if (this.#whole === null) {
      this.#leaveJudged(pieces, mask);
      return this.#finishWhenDurable();
    }
    this.#judge?.more(mask.usage);
    chargeBytes(this.#call, byteLength(pieces));
    const { statusText, fields } = this.#whole;
    this.#endWhole(pieces, { statusText, fields: [...replaceFields(fields, mask.fields ?? [])] });
  }

  #finishWhenDurable(): void {
    const { secret } = this.#call.accepted.served.upstream;
    const trailers = trailerFields(this.#masks.lines(this.#trailers), secret);
    this.#whenDurable(() => this.#finish(trailers));
  }

  fail(failure: Failure): void {
    if (this.#over || this.#failing) return;
    this.#failing = true;
    const res = this.#res;
    const session = this.#session;
    const { operation, served } = this.#call.accepted;
    this.#flow?.abort();
    this.#hold?.drop();
    // nothing was sent yet: the caller gets a proper refusal, once the record of this call is durable
    if (!res.headersSent) {
      const refusal = refusalFor(failure.reason, this.#told(failure));
      return session.durable(() => {
        if (this.#over) return;
        const fields = retryAfter(this.#call, failure.reason);
        this.#settle(failure.reason, refusal.status);
        const status = writeRefusal(res, refusal, { codec: served.codec, operation }, fields, session);
        this.#close(failure, status, 'upstream_err');
      });
    }
    this.#settle(failure.reason, this.#status);
    if (this.#framing !== null && failure.reason !== 'upstream-failed') this.#tellStream(failure, this.#framing);
    // the record says that the head has left: what broke off with the first bytes has it wait for them
    if (!this.#begun) res.flushHeaders();
    res.breakOff();
    this.#close(failure, this.#status, ENDED[failure.reason] ?? 'upstream_err');
  }

  #told({ detail }: Failure): RefusalDetails {
    return { session: this.#session.id, detail, replyTo: this.#call.replyTo };
  }

  #tellStream(failure: Failure, framing: Framing): void {
    const session = this.#session;
    const { operation, served } = this.#call.accepted;
    const { event, value } = served.codec.streamFailure(refusalFor(failure.reason, this.#told(failure)), operation);
    const bytes = framing.renderFailure(event, JSON.stringify(value));
    if (bytes.length > 0 && session.bytes(bytes)) this.#res.write(bytes);
  }

  #whenDurable(step: () => void): void {
    if (!this.#record.pass(step)) this.#pause();
  }

  #writeHead(status: number, statusText: string, fields: string[]): void {
    const res = this.#res;
    if (statusText === '') res.writeHead(status, fields);
    else res.writeHead(status, statusText, fields);
    // the head leaves with the first bytes if they are here already, else by itself
    queueMicrotask(() => {
      if (!this.#over && !this.#begun) res.flushHeaders();
    });
  }

  /** What was read leaves only if no rule denies the answer for it, and not while a tool call goes on that is judged whole. */
  #leaveJudged(pieces: readonly Buffer[], { usage }: AnswerMask): void {
    const judge = this.#judge;
    if (judge === null) return pieces.forEach((piece) => this.#leave(piece));
    judge.more(usage);
    for (const piece of this.#held.pass(pieces, judge.holds)) this.#leave(piece);
  }

  /** What is about to be masked, for auditors, where the config has it kept. */
  #keepOriginal(bytes: Buffer): void {
    if (this.#mask === null || !this.#masks.reads || this.#session.original(bytes)) return;
    throw new Failure('evidence-unavailable', 'the answer is over the bound of the recording');
  }

  #leave(bytes: Buffer): void {
    if (bytes.length === 0) return;
    chargeBytes(this.#call, bytes.length);
    if (!this.#session.bytes(bytes))
      throw new Failure('evidence-unavailable', 'the answer is over the bound of the recording');
    this.#whenDurable(() => {
      this.#begun = true;
      if (this.#res.write(bytes)) return;
      this.#pause();
      this.#reader.note();
    });
  }

  #endWhole(pieces: readonly Buffer[], { statusText, fields }: { statusText: string; fields: string[] }): void {
    const [first] = pieces;
    const body = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
    const head = [...fields, 'Content-Length', String(body.length)];
    this.#session.head(this.#status, head);
    if (!this.#session.bytes(body))
      throw new Failure('evidence-unavailable', 'the answer is over the bound of the recording');
    this.#whenDurable(() => {
      this.#settle('completed', this.#status);
      const res = this.#res;
      if (statusText === '') res.writeHead(this.#status, head);
      else res.writeHead(this.#status, statusText, head);
      res.end(body, this.#onFinish);
      if (res.writableNeedDrain) this.#reader.note();
    });
  }

  #finish(rawTrailers: readonly string[]): void {
    const res = this.#res;
    if (rawTrailers.length > 0) {
      this.#session.trailers(rawTrailers);
      res.addTrailers(pairs(rawTrailers));
    }
    this.#begun = true;
    this.#settle('completed', this.#status);
    res.end(this.#onFinish);
    if (this.#reader.isSet || res.writableNeedDrain) this.#reader.note();
  }

  readonly #onFinish = (): void => {
    if (!this.#over) this.#close(null, this.#status, 'ok');
  };

  readonly #onClose = (): void => {
    if (this.#over || this.#res.writableFinished) return;
    if (this.#call.accepted.served.config.abort_upstream) this.#flow?.abort();
    else this.#flow?.resume();
    this.#close(LEFT, this.#status, 'client_abort');
  };

  readonly #onDrain = (): void => {
    if (!this.#paused || !this.#record.isDurable || this.#order.busy) return;
    if (this.#res.writableNeedDrain || this.#hold?.full === true) return;
    this.#paused = false;
    this.#flow?.resume();
  };

  #stalled(): void {
    // without a flow the answer has ended, and waits for the caller alone
    if (this.#flow === null || (this.#paused && this.#res.writableNeedDrain)) this.fail(STALLED);
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#flow?.pause();
  }

  /** Runs a step that may find that the answer cannot pass; whatever it throws ends the answer. */
  #guarded(step: () => void): void {
    if (this.#over || this.#failing) return;
    try {
      step();
    } catch (cause) {
      this.fail(asFailure(cause));
    }
  }

  #settle(reason: Reason, status: number): void {
    this.#call.settle({ reason, status, usage: this.#mask?.usage ?? null });
  }

  #close(failure: Failure | null, status: number, ended: Ending['ended']): void {
    this.#over = true;
    this.#hold?.drop();
    this.#order.drop();
    this.#memory.release();
    this.#reader.end();
    this.#res.off('close', this.#onClose).off('drain', this.#onDrain);
    this.#call.end({
      reason: failure?.reason ?? 'completed',
      status,
      ended,
      usage: this.#mask?.usage ?? null,
      events: this.#mask?.events ?? this.#events,
    });
  }
}

/** A head that node refuses to write is the upstream's doing; anything else is ours. */
function asFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const isBadHead = cause instanceof Error && 'code' in cause && cause.code === 'ERR_INVALID_CHAR';
  return isBadHead
    ? new Failure('upstream-failed', 'the head of the answer holds characters that may not be written', { cause })
    : new Failure('internal', 'the answer could not be processed', { cause });
}

const NOTHING = Buffer.alloc(0);
const byteLength = (pieces: readonly Buffer[]): number => pieces.reduce((sum, { length }) => sum + length, 0);
/** How the record of an answer that broke off by our own doing says it ended. */
const ENDED: Readonly<Partial<Record<Reason, Ending['ended']>>> = {
  'evidence-unavailable': 'truncated',
  'caller-stalled': 'client_abort',
};
const STALLED = new Failure('caller-stalled', 'the caller left an answer unread for too long');
const LEFT = new Failure('caller-left', 'the caller closed the connection');

function without(fields: readonly string[], name: string): string[] {
  return fields.filter((_, at) => fields[at - (at % 2)]?.toLowerCase() !== name);
}

function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let at = 0; at < raw.length; at += 2) list.push([raw[at] ?? '', raw[at + 1] ?? '']);
  return list;
}
