/**
 * The messages of one WebSocket, both ways. The caller's go inspect → classify → decide → limit → mask.request → record →
 * upstream, each with an allow of its own; the model server's go (classify.answer) → mask.answer → record.tee → caller. What
 * cannot go on ends both sides.
 */

import type { RawData, WebSocket } from 'ws';
import type { Verdict } from '../../call.ts';
import { type AnswerMask, stepsOf } from '../../mask/answer-mask.ts';
import type { Usage } from '../../protocol/codec.ts';
import type { SocketCodec } from '../../protocol/socket.ts';
import { Failure } from '../../reasons.ts';
import type { Ending, Session } from '../../record/recorder.ts';
import { answerLimit, atOnce, inspectionLimit, inTurns, type Steps, type TimeLimit } from '../../turns.ts';
import { type AnswerJudge, judgeAnswer } from '../answer-rules.ts';
import type { HoldSink } from '../answer-hold.ts';
import { classifiesMessages, classifyMessage, findInMessage, textsOf } from '../classify.ts';
import type { MessageHolds } from '../message-holds.ts';
import { type Admitted, admitting, decideMessage, maskingMessage, readingMessage } from './admit.ts';
import { holdSocket } from './hold.ts';
import { closeCodeOf, LOST, sendable } from './close-code.ts';
import { EvidenceGate } from '../evidence-gate.ts';
import { HeldAnswer } from '../held-answer.ts';
import { InOrder, LONG, longBytes } from '../in-order.ts';
import { chargeBytes, chargeText } from '../limits.ts';
import { answerMasker, maskMessagesOf } from '../masks.ts';
import { refusalFor } from '../refusal.ts';
import { guardSecret, type SecretGuard } from '../secret-guard.ts';
import type { Underway } from '../underway.ts';

/** Both ends. */
interface Sides {
  readonly caller: WebSocket;
  readonly upstream: WebSocket;
}

/** What may wait to be sent to a side before the other is held. Bytes. */
const MOST_WAITING = 1024 ** 2;
/** How often a side is asked whether it is still there; one that has not answered by the next time is not. */
const PING_MS = 30_000;
const TEXT = { binary: false };
const NOTHING = Buffer.alloc(0);

/** Relays one connection until it ends, and ends the call then, once. */
export class SocketRelay {
  readonly #call: Underway;
  readonly #session: Session;
  readonly #sides: Sides;
  readonly #codec: SocketCodec;
  readonly #judge: AnswerJudge | null;
  readonly #guard: SecretGuard | null;
  readonly #held = new HeldAnswer();
  readonly #gate: EvidenceGate;
  /** How much of the thread's time one message of the caller may take. */
  readonly #limit: TimeLimit;
  /** Messages of the caller, in their order, and those of the model server. */
  readonly #asking: InOrder;
  readonly #answering: InOrder;
  /** What holds messages of the model server until classifiers have looked at them; null where none may have to. */
  readonly #holds: MessageHolds | null;
  readonly #classifies: boolean;
  /** Names of the masking rules that answers are masked by. */
  #rules: readonly string[];
  #mask: AnswerMask;
  /** Tokens counted by masks that were replaced. */
  #counted: Usage = { input: 0, output: 0 };
  #events = 0;
  #failure: Failure | null = null;
  /** What the caller closed with; null while it has not. */
  #left: number | null = null;
  #over = false;
  /** An original was over the bound of the recording. */
  #isUnkept = false;
  #alive = { caller: true, upstream: true };
  /** All of them, until the end. */
  #timers: readonly NodeJS.Timeout[] = [];
  #idle: NodeJS.Timeout | null = null;

  constructor(call: Underway, session: Session, verdict: Verdict, sides: Sides) {
    const { socket, served } = call.accepted;
    if (socket === null) throw new Failure('internal', 'expected an operation that is a WebSocket');
    this.#call = call;
    this.#session = session;
    this.#gate = new EvidenceGate(session, this.#settled);
    this.#sides = sides;
    this.#codec = socket;
    this.#judge = judgeAnswer(call);
    this.#guard = guardSecret(served.upstream.secret);
    this.#rules = verdict.mask.answer;
    this.#classifies = classifiesMessages(call);
    this.#holds = holdSocket(call, this.#rules);
    this.#holds?.begin(this.#holdSink, this.#rules);
    this.#mask = maskMessagesOf(call, this.#rules, this.#holds?.found ?? null);
    const { inspection } = call.epoch.config.limits;
    this.#limit = inspectionLimit(inspection);
    const long = {
      room: call.gate.room,
      left: (): boolean => this.#over || this.#failure !== null,
      guarded: (step: () => void): void => this.#step(step),
      fail: (cause: unknown): void => this.#fail(this.#asFailure(cause)),
    };
    this.#asking = new InOrder({ ...long, limit: this.#limit, done: () => this.#asked() });
    this.#answering = new InOrder({ ...long, limit: answerLimit(inspection), done: () => this.#resumeUpstream() });
  }

  /** Begins to relay. `upstream` is paused until now. */
  start(): void {
    const { caller, upstream } = this.#sides;
    caller.on('message', (data, isBinary) => this.#step(() => this.#fromCaller(data, isBinary)));
    upstream.on('message', (data, isBinary) => this.#step(() => this.#fromUpstream(data, isBinary)));
    caller.on('error', (error) => this.#fail(callerFailure(error)));
    upstream.on('error', (error) =>
      this.#fail(new Failure('upstream-failed', 'the connection to the model server failed', { cause: error })),
    );
    caller.on('close', (code) => {
      this.#left = code;
      // what it said before it left in peace is still looked at
      if (!this.#asking.busy || code === LOST) this.#callerClosed(code);
    });
    upstream.on('close', (code, why) => this.#answering.run(() => this.#upstreamClosed(code, why)));
    caller.on('pong', () => (this.#alive.caller = true));
    upstream.on('pong', () => (this.#alive.upstream = true));
    this.#watch();
    this.#step(() => this.#judge?.head(101, ''));
    if (caller.readyState !== caller.OPEN) return this.#callerClosed(LOST);
    upstream.resume();
  }

  #watch(): void {
    const { gate, caller, accepted } = this.#call;
    // a connection does not outlive the token that opened it
    const left = caller.expiresAt * 1000 - gate.clock.now();
    this.#idle = setTimeout(() => this.#fail(IDLE), accepted.served.config.upstream.idle_timeout);
    this.#timers = [
      this.#idle,
      setInterval(() => this.#ping(), PING_MS),
      setTimeout(() => this.#fail(EXPIRED), Math.min(Math.max(left, 0), LONGEST_TIMER)),
    ];
    gate.drain.addEventListener('abort', this.#drain, { once: true });
  }

  readonly #drain = (): void => this.#fail(DRAINING);

  #ping(): void {
    const { caller, upstream } = this.#sides;
    // who is held cannot be heard
    if (!this.#alive.caller && !caller.isPaused) return caller.terminate();
    if (!this.#alive.upstream && !upstream.isPaused) return upstream.terminate();
    this.#alive = { caller: false, upstream: false };
    caller.ping();
    upstream.ping();
  }

  #fromCaller(data: RawData, isBinary: boolean): void {
    const bytes = asBuffer(data);
    this.#asking.run(() => {
      if (this.#classifies) {
        this.#sides.caller.pause();
        return this.#asking.later(this.#classified(bytes, isBinary), (admitted) => this.#pass(bytes, admitted));
      }
      const work = this.#admitted(bytes, isBinary);
      if (bytes.length <= LONG) return this.#pass(bytes, atOnce(work, this.#limit));
      this.#sides.caller.pause();
      return this.#asking.inTurns(work, bytes.length, (admitted) => this.#pass(bytes, admitted));
    });
  }

  #pass(bytes: Buffer, admitted: Admitted): void {
    if (!this.#session.message(bytes, admitted.bytes === bytes ? null : admitted.bytes)) throw overBound();
    this.#gate.ask();
    this.#also(admitted.verdict.mask.answer);
    this.#forward(admitted.bytes);
  }

  /** Returns, in steps, what is forwarded of a message. One that may not pass is on record, too. */
  *#admitted(bytes: Buffer, isBinary: boolean): Steps<Admitted> {
    try {
      return yield* this.#admit(bytes, isBinary);
    } catch (cause) {
      if (this.#session.message(bytes, null)) this.#gate.ask();
      throw cause;
    }
  }

  /** A message goes upstream once it is written, or durable where the service says so (promise 3). */
  #forward(bytes: Buffer): void {
    const { caller } = this.#sides;
    // who waits for the disk sends no more meanwhile
    if (this.#waitsForDisk) caller.pause();
    this.#behindMessages((ok) => {
      if (!ok) return this.#fail(NOT_KEPT);
      this.#send('upstream', bytes);
      this.#resumeCaller();
    });
  }

  get #waitsForDisk(): boolean {
    return this.#call.accepted.served.config.durable === 'before_forward';
  }

  /** Runs a step behind the messages that are on their way upstream. */
  #behindMessages(step: (ok: boolean) => void): void {
    if (this.#waitsForDisk) this.#session.durable(step);
    else this.#session.written(step);
  }

  *#admit(bytes: Buffer, isBinary: boolean): Steps<Admitted> {
    checkText(isBinary);
    return yield* admitting(this.#call, this.#codec, bytes);
  }

  /** Resolves to what is forwarded of a message that classifiers may have to look at. One that may not pass is on record, too. */
  async #classified(bytes: Buffer, isBinary: boolean): Promise<Admitted> {
    const call = this.#call;
    const left = (): boolean => this.#over || this.#failure !== null;
    try {
      checkText(isBinary);
      const read = await inTurns(readingMessage(call, this.#codec, bytes), this.#limit, left);
      const shown = { facts: read.facts, isFurther: true, texts: () => textsOf(call, [read.asked]) };
      const facts = await classifyMessage(call, shown);
      const verdict = decideMessage(call, { ...read, facts });
      await findInMessage(call, verdict, shown);
      return await inTurns(maskingMessage(call, read, verdict), this.#limit, left);
    } catch (cause) {
      if (!this.#over && this.#session.message(bytes, null)) this.#gate.ask();
      throw cause;
    }
  }

  /** Masking rules that apply because of a message hold for what is answered from there on. */
  #also(rules: readonly string[]): void {
    const more = rules.filter((name) => !this.#rules.includes(name));
    if (more.length === 0) return;
    const all = [...this.#rules, ...more];
    this.#rules = all;
    const change = (): void => {
      this.#leave(this.#mask.end());
      this.#counted = this.#usage;
      this.#mask = maskMessagesOf(this.#call, all, this.#holds?.found ?? null);
    };
    if (this.#holds === null) this.#answering.run(change);
    else this.#holds.turn(all, change);
  }

  #fromUpstream(data: RawData, isBinary: boolean): void {
    if (isBinary) throw new Failure('answer-unreadable', 'the model server sent a message that is no text');
    const bytes = asBuffer(data);
    const hold = this.#holds?.hold ?? null;
    if (hold === null) this.#answer(bytes, () => {});
    else hold.push(bytes);
  }

  #answer(bytes: Buffer, passed: () => void): void {
    this.#answering.run(() => {
      this.#events++;
      if (this.#edits) this.#keepOriginal(this.#guarded(bytes));
      const mask = this.#mask;
      const leave = (messages: readonly Buffer[]): void => {
        passed();
        chargeText(this.#call, mask, bytes.length);
        this.#leave(messages);
      };
      const long = longBytes(mask, bytes);
      if (long === 0) return leave(mask.push(bytes));
      this.#sides.upstream.pause();
      return this.#answering.inTurns(stepsOf(mask, bytes), long, leave);
    });
  }

  /** True from when on answers may be other than what the model server says: masked, or with values put back. */
  get #edits(): boolean {
    const { epoch, tokens } = this.#call;
    return this.#rules.length > 0 || (epoch.restores && tokens.holdsValues);
  }

  /** On record behind what left before it, and ahead of what is made of it. */
  #keepOriginal(bytes: Buffer): void {
    this.#toCaller(() => {
      if (this.#isUnkept || this.#session.original(bytes)) return;
      this.#isUnkept = true;
      this.#fail(overBound());
    });
  }

  readonly #holdSink: HoldSink = {
    release: (bytes, passed) => this.#answer(bytes, passed),
    behind: (step) => this.#answering.run(step),
    released: () => this.#answering.run(() => this.#answered?.()),
    learnt: () => this.#judge?.learnt(),
    fail: (failure) => this.#fail(failure),
    guarded: (step) => this.#step(step),
    pause: () => this.#sides.upstream.pause(),
    resume: () => this.#resumeUpstream(),
  };

  /** Ends the answer, once all that is held of it has left. */
  #answered: (() => void) | null = null;

  #leave(messages: readonly Buffer[]): void {
    this.#judge?.more(this.#usage);
    for (const message of this.#held.pass(messages, this.#judge?.holds === true)) {
      const clean = this.#guarded(message);
      chargeBytes(this.#call, clean.length);
      this.#toCaller(() => {
        // what was made of an original that is not on record
        if (this.#isUnkept) return;
        if (this.#session.bytes(clean)) this.#send('caller', clean);
        else this.#fail(overBound());
      }, clean.length);
    }
  }

  /** The upstream's credential reaches no caller, also when the model server sends it back (promise 8). */
  #guarded(message: Buffer): Buffer {
    const guard = this.#guard;
    return guard === null ? message : Buffer.concat([guard.push(message), guard.end()]);
  }

  get #usage(): Usage {
    const { input, output } = this.#mask.usage ?? { input: 0, output: 0 };
    return { input: this.#counted.input + input, output: this.#counted.output + output };
  }

  /** Nothing is told a caller whose messages so far are not on the disk yet. */
  #toCaller(step: () => void, bytes = 0): void {
    this.#gate.pass(step, bytes);
    if (this.#gate.isCrowded) this.#sides.upstream.pause();
  }

  readonly #settled = (ok: boolean): void => {
    if (!ok) return this.#fail(NOT_KEPT);
    this.#resumeUpstream();
  };

  #resumeUpstream(): void {
    const { caller, upstream } = this.#sides;
    if (this.#gate.isCrowded || this.#answering.busy || this.#holds?.hold?.full === true) return;
    if (upstream.isPaused && caller.bufferedAmount <= MOST_WAITING) upstream.resume();
  }

  #resumeCaller(): void {
    const { caller, upstream } = this.#sides;
    if (caller.isPaused && !this.#asking.busy && upstream.bufferedAmount <= MOST_WAITING) caller.resume();
  }

  #send(to: 'caller' | 'upstream', bytes: Buffer): void {
    const { caller, upstream } = this.#sides;
    const [side, other] = to === 'caller' ? [caller, upstream] : [upstream, caller];
    side.send(bytes, TEXT, () => (to === 'caller' ? this.#resumeUpstream() : this.#resumeCaller()));
    if (side.bufferedAmount > MOST_WAITING) other.pause();
  }

  /** Runs what one message asks for; what it throws ends the connection. */
  #step(step: () => void): void {
    if (this.#over || this.#failure !== null) return;
    this.#idle?.refresh();
    try {
      step();
    } catch (cause) {
      this.#fail(this.#asFailure(cause));
    }
  }

  #asFailure(cause: unknown): Failure {
    const failure =
      cause instanceof Failure ? cause : new Failure('internal', 'a message failed unexpectedly', { cause });
    if (failure.reason === 'internal') this.#call.gate.log.error({ err: failure }, 'a message failed unexpectedly');
    return failure;
  }

  /** A message of the caller that took turns is done, and what came behind it. */
  #asked(): void {
    if (this.#left !== null) return this.#callerClosed(this.#left);
    // the one that waits for the disk lets it go on
    if (!this.#waitsForDisk) this.#resumeCaller();
  }

  /** Tells the caller why in the protocol's own words and by the code, and lets go of the model server. */
  #fail(failure: Failure): void {
    if (this.#over || this.#failure !== null) return;
    this.#failure = failure;
    this.#holds?.hold?.drop();
    const { caller, upstream } = this.#sides;
    this.#behindMessages(() => upstream.close(sendable(closeCodeOf(failure.reason))));
    const refusal = refusalFor(failure.reason, { session: this.#session.id, detail: failure.detail });
    const last = Buffer.from(JSON.stringify(this.#codec.failure(refusal)));
    const tell = (): void => {
      if (caller.readyState === caller.OPEN && this.#session.bytes(last)) caller.send(last, TEXT);
      caller.close(closeCodeOf(failure.reason), failure.reason);
    };
    if (failure === NOT_KEPT) tell();
    else this.#gate.pass(tell);
    // one that has left while its message was looked at is told nothing
    if (this.#left !== null) return this.#callerClosed(this.#left);
    // one that was held could not read the answer to that
    caller.resume();
    upstream.resume();
    // a caller that does not read must not keep the connection: nothing more comes from here
    soon(() => caller.terminate());
  }

  #callerClosed(code: number): void {
    if (this.#over) return;
    const { upstream } = this.#sides;
    this.#behindMessages(() => upstream.close(sendable(code)));
    soon(() => upstream.terminate());
    if (this.#failure !== null) return this.#end(this.#failure.reason, endedBy(this.#failure));
    if (code === LOST) this.#end('caller-left', 'client_abort');
    else this.#end('completed', 'ok');
  }

  #upstreamClosed(code: number, why: Buffer): void {
    if (this.#over || this.#failure !== null) return;
    if (code === LOST) return this.#fail(new Failure('upstream-failed', 'the model server broke off'));
    const reason = this.#guarded(why).toString();
    this.#answered = () => {
      this.#leave(this.#mask.end());
      const { caller } = this.#sides;
      const text = this.#lastWords(reason);
      this.#toCaller(() => caller.close(sendable(code), text));
      this.#session.mark(`the model server closed with ${code}`);
      soon(() => caller.terminate());
    };
    const hold = this.#holds?.hold ?? null;
    this.#holds?.tell(reason);
    this.#step(() => (hold === null ? this.#answered?.() : hold.end(NOTHING)));
  }

  /** A reason to close has no room for more than it had: one that holds what is masked is left out. */
  #lastWords(text: string): string {
    const found = this.#holds?.found ?? null;
    const masker = this.#rules.length === 0 ? null : answerMasker(this.#call, this.#rules, true, found);
    return masker === null || masker.whole(text, this.#call.found) === text ? text : '';
  }

  #end(reason: Ending['reason'], ended: Ending['ended']): void {
    this.#over = true;
    this.#holds?.hold?.drop();
    this.#call.gate.drain.removeEventListener('abort', this.#drain);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#asking.drop();
    this.#answering.drop();
    this.#call.end({ reason, status: 101, ended, usage: this.#usage, events: this.#events });
  }
}

/** How long a side may take to close. Milliseconds. */
const CLOSE_MS = 5_000;
/** Lets go of a side that has not closed in time; a side that has is not harmed. */
const soon = (step: () => void): void => void setTimeout(step, CLOSE_MS).unref();
/** What timers can hold (a 32-bit number of ms): some 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

const EXPIRED = new Failure('token-expired', 'the token that opened the connection has expired');
const IDLE = new Failure('upstream-timeout', 'the connection was silent for too long');
const DRAINING = new Failure('draining', 'the gateway is going away');

const NOT_KEPT = new Failure('evidence-unavailable', 'a message could not be kept');

const TEXT_ONLY = 'Messages are JSON in text frames.';

function checkText(isBinary: boolean): void {
  if (isBinary) throw new Failure('body-unreadable', TEXT_ONLY, { detail: TEXT_ONLY });
}

const overBound = (): Failure =>
  new Failure('evidence-unavailable', 'the connection is over the bound of the recording');

const callerFailure = (error: Error): Failure =>
  'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    ? new Failure('body-too-large', 'a message is over the inspection limit', { cause: error })
    : new Failure('body-unreadable', 'the caller broke the WebSocket protocol', { cause: error });

const endedBy = ({ reason }: Failure): Ending['ended'] =>
  reason.startsWith('upstream-') || reason.startsWith('answer-') ? 'upstream_err' : 'refused';

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
