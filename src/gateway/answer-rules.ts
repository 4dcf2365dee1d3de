/** Rules on answers: an answer that one of them denies is refused, or breaks off where it has begun. */

import { NOTHING_CLOSER } from '../call.ts';
import { decideAnswer } from '../decide/decide.ts';
import { Failure } from '../reasons.ts';
import type { Usage } from '../protocol/codec.ts';
import { guardAnswer } from './guard.ts';
import type { CallState } from './underway.ts';

/** Judges one answer while it flows. */
export interface AnswerJudge {
  /** Throws Failure `policy-denied` or `policy-error`. Called before the head leaves. */
  head(status: number, contentType: string): void;
  /** Throws as `head` does, when something new is known of the answer. Called before what was read leaves. */
  more(usage: Usage | null): void;
  /** What was read must not leave yet, nor what comes after it: it may be part of a tool call that is to be judged whole. */
  readonly holds: boolean;
  /** Throws as `head` does, when a classifier has said something. Called before what it looked at leaves. */
  learnt(): void;
}

/** Returns the judge of a call's answer, null when neither a rule nor the service looks at answers. */
export function judgeAnswer(call: CallState): AnswerJudge | null {
  const { policy } = call.epoch;
  const guard = guardAnswer(call);
  if (policy.answers.deny.length === 0 && guard === null) return null;
  const { request, served } = call.accepted;
  const { trips } = call;
  const calls = call.toolCalls?.calls ?? [];
  let [status, contentType, seen, tokens, made, tripped] = [0, '', 0, 0, 0, 0];
  let last: Usage | null = null;

  const judge = (usage: Usage | null): void => {
    const denied = decideAnswer(policy.answers, {
      caller: call.caller,
      request: { ...request, protocol: served.config.protocol },
      facts: call.facts,
      now: call.gate.clock.now(),
      answer: {
        status,
        contentType,
        findings: call.findings,
        inputTokens: usage?.input ?? 0,
        outputTokens: usage?.output ?? 0,
        toolCalls: calls,
        commands: trips?.commands ?? [],
        injection: trips?.injection ?? NOTHING_CLOSER.injection,
        classified: call.classification?.answer ?? {},
      },
    });
    if (denied === null) return;
    call.session?.mark(`the answer was denied by the rule ${denied.rule}`);
    throw new Failure(denied.reason, `the answer was denied by the rule ${denied.rule}`, { detail: denied.message });
  };

  return {
    head(code, type) {
      status = code;
      contentType = type;
      judge(null);
    },
    more(usage) {
      guard?.check();
      const used = (usage?.input ?? 0) + (usage?.output ?? 0);
      trips?.calls(calls);
      const trip = trips?.count ?? 0;
      if (call.foundSoFar === seen && used === tokens && calls.length === made && trip === tripped) return;
      seen = call.foundSoFar;
      tokens = used;
      made = calls.length;
      tripped = trip;
      last = usage;
      judge(usage);
    },
    learnt: () => judge(last),
    get holds() {
      return guard?.holds === true;
    },
  };
}
