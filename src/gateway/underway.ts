/** One call under way: what the stations have learnt of it so far, and how it ends, once. */

import type { Caller, Facts, Finding, FoundAt, Trip, Verdict } from '../call.ts';
import type { Allowance, CallEnd } from '../limit/allowance.ts';
import { Tokens } from '../mask/tokens.ts';
import type { ReplyTo, Usage } from '../protocol/codec.ts';
import type { CallGatherer } from '../protocol/tool-calls.ts';
import type { Ending, Session } from '../record/recorder.ts';
import type { Accepted } from './accept.ts';
import { Classification } from './classification.ts';
import { MOST_FOUND } from './found.ts';
import type { Body } from './http/body.ts';
import type { CallRequest, CallResponse } from './http/exchange.ts';
import { type AnswerTrips, watchTrips } from './answer-trips.ts';
import { countingTime, uninspected, type Epoch, type Gate } from './gate.ts';
import { gatherCalls } from './guard.ts';

/** How an answer ended, without what the call itself knows. */
export interface AnswerEnd {
  readonly reason: Ending['reason'];
  readonly status: number;
  readonly ended: Ending['ended'];
  readonly usage: Usage | null;
  readonly events: number;
}

/** The state of one identified call, however it arrived. */
export abstract class CallState {
  readonly gate: Gate;
  readonly epoch: Epoch;
  readonly accepted: Accepted;
  readonly caller: Caller;
  readonly #at: number;
  readonly #began: number;
  readonly #findings: Record<string, number> = {};
  #body: Body | null = null;
  #facts: Facts;
  #verdict: Verdict | null = null;
  #session: Session | null = null;
  #replyTo: ReplyTo | null = null;
  #allowance: Allowance | null = null;
  #classification: Classification | null = null;
  /** When the caller may usefully come back, where a limit says so: ms since the epoch, infinity for never. */
  retryAt: number | null = null;
  /** Follows the tool calls of the answer; null where nobody asks for them. */
  readonly toolCalls: CallGatherer | null;
  /** What of the answer trips the wires; null where no rule reads it. */
  readonly trips: AnswerTrips | null;
  #ended: AnswerEnd | null = null;

  constructor(gate: Gate, epoch: Epoch, accepted: Accepted, caller: Caller, began: number) {
    this.gate = gate;
    this.epoch = epoch;
    this.accepted = accepted;
    this.caller = caller;
    this.#began = began;
    this.#at = gate.clock.now();
    this.#facts = uninspected(accepted.operation, 0, false);
    this.toolCalls = gatherCalls(this);
    this.trips = watchTrips(this);
  }

  /** Calls `then` once the caller is gone, at once if it is. */
  abstract whenLeft(then: () => void): void;

  /** The body as it came; null before it is read or when the request has none. */
  get body(): Buffer | null {
    return this.#body === null || this.#body.bytes.length === 0 ? null : this.#body.bytes;
  }

  /** The record of the call; null until it is opened. */
  get session(): Session | null {
    return this.#session;
  }

  get facts(): Facts {
    return this.#facts;
  }

  /** What the call may use of its limits; null where none applies. */
  get allowance(): Allowance | null {
    return this.#allowance;
  }

  /** Adds to it. A call that ended while it was decided on uses nothing. */
  mayUse(allowance: Allowance): void {
    if (this.#ended !== null) allowance.end(this.#ended, countingTime(this.gate));
    else if (this.#allowance === null) this.#allowance = allowance;
    else this.#allowance.join(allowance);
  }

  read(body: Body): void {
    this.#body = body;
  }

  /** Gives the body's memory back; the bytes are in the store, or no longer needed. */
  release(): void {
    this.#body?.release();
    this.#body = null;
  }

  /** What classifiers are asked about the call; null while nobody needs them. */
  get classification(): Classification | null {
    return this.#classification;
  }

  /** Returns what classifiers are asked about the call, made when it is first needed. */
  classify(): Classification {
    this.#classification ??= new Classification(this);
    return this.#classification;
  }

  /** What a refusal must name; null while the body is not read, or where it names nothing. */
  get replyTo(): ReplyTo | null {
    return this.#replyTo;
  }

  inspected(facts: Facts, replyTo: ReplyTo | null = null): void {
    this.#facts = this.withClassified(facts);
    this.#replyTo = replyTo;
  }

  /** Returns facts of the call with what classifiers have said of its request. */
  withClassified(facts: Facts): Facts {
    const classified = this.#classification?.decidedOn;
    return classified === undefined ? facts : { ...facts, classified };
  }

  /** Findings in the answer so far. */
  get findings(): Readonly<Record<string, number>> {
    return this.#findings;
  }

  decided(verdict: Verdict): void {
    this.#verdict = verdict;
  }

  /** What stands for what the caller said, where a rule hides it from the model. */
  readonly tokens = new Tokens();

  /** The first findings of the request, as the record tells them. */
  foundInRequest: readonly FoundAt[] = [];
  readonly #foundInAnswer: FoundAt[] = [];

  /** How many findings there are in the answer so far. */
  foundSoFar = 0;

  /** Counts findings in a further message of the caller with those of the request. */
  alsoFound(findings: Readonly<Record<string, number>>): void {
    const all = { ...this.#facts.findings };
    for (const kind in findings) all[kind] = (all[kind] ?? 0) + (findings[kind] ?? 0);
    this.#facts = { ...this.#facts, findings: all };
  }

  /** Counts a finding in the answer. */
  readonly found = (finding: Finding): void => {
    this.#findings[finding.kind] = (this.#findings[finding.kind] ?? 0) + 1;
    this.foundSoFar++;
    const { kind, digest } = finding;
    if (digest !== undefined && this.#foundInAnswer.length < MOST_FOUND)
      this.#foundInAnswer.push({ kind, at: '', digest });
  };

  /** Notes for the record what of the answer has tripped a wire. */
  readonly tripped = ({ kind, place, digest = '' }: Trip): void => {
    if (this.#foundInAnswer.length < MOST_FOUND) this.#foundInAnswer.push({ kind, at: place, digest });
  };

  /** Opens the record, once. `forwarded` is the masked rendering, null when the body goes as it came. Throws Failure. */
  open(verdict: Verdict, forwarded: Buffer | null, approval: string): Session {
    const { gate, epoch, caller, accepted } = this;
    this.#verdict = verdict;
    this.#session = gate.recorder.open({
      at: this.#at,
      mono: this.#began,
      caller,
      request: accepted.request,
      operation: this.#facts.operation,
      model: this.#facts.model,
      facts: this.#facts,
      found: this.foundInRequest,
      verdict,
      policyHash: epoch.inForce,
      body: this.body,
      forwarded,
      approval,
      replayOf: accepted.head.replayOf,
    });
    return this.#session;
  }

  readonly #settling: (() => void)[] = [];

  /** Calls `then` before the last byte of the answer leaves, and when the call ends; it may be called more than once. */
  whenSettled(then: () => void): void {
    this.#settling.push(then);
  }

  /**
   * Settles its limits, before the last byte of an answer leaves: who has the whole answer may ask again at once. Only the
   * first time counts.
   */
  settle(end: CallEnd): void {
    this.#allowance?.end(end, countingTime(this.gate));
    for (const then of this.#settling) then();
  }

  /** Ends the call: closes the record and tells the watcher. Called once, by whoever answered. */
  end(end: AnswerEnd): void {
    this.#ended = end;
    this.settle(end);
    const classified = this.#classification?.answer;
    const classifiedLater = this.#classification?.later;
    this.#classification?.stop();
    this.#session?.close({
      ...end,
      findings: this.#findings,
      found: this.#foundInAnswer,
      ...(classified === undefined ? {} : { classified }),
      ...(classifiedLater === undefined ? {} : { classifiedLater }),
    });
    this.release();
    this.gate.watcher.ended({
      session: this.#session?.id ?? '',
      service: this.accepted.request.service,
      operation: this.#facts.operation,
      model: this.#facts.model,
      caller: this.caller,
      reason: end.reason,
      status: end.status,
      rule: this.#verdict?.rule ?? '',
      micros: this.gate.clock.mono() - this.#began,
      findings: this.#findings,
      requestFindings: this.#facts.findings,
      classified: { request: this.#classification?.request ?? {}, answer: classified ?? {} },
    });
  }
}

/** A call over HTTP. Owned by `handle`; nobody keeps it after `end`. */
export class Underway extends CallState {
  readonly req: CallRequest;
  readonly res: CallResponse;

  constructor(
    gate: Gate,
    epoch: Epoch,
    req: CallRequest,
    res: CallResponse,
    accepted: Accepted,
    caller: Caller,
    began: number,
  ) {
    super(gate, epoch, accepted, caller, began);
    this.req = req;
    this.res = res;
  }

  whenLeft(then: () => void): void {
    if (this.res.destroyed) then();
    else this.res.once('close', then);
  }
}
