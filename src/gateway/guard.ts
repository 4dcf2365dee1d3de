/** guard: what a service itself says of tools, whatever the rules allow. */

import type { Facts, Verdict } from '../call.ts';
import { CallGatherer } from '../protocol/tool-calls.ts';
import { Failure } from '../reasons.ts';
import type { CallState } from './underway.ts';

/** Returns the verdict on a call after the guards of its service: a deny where one of its operations does not pass. */
export function guardRequest(call: CallState, verdict: Verdict, each: readonly Facts[]): Verdict {
  const { served } = call.accepted;
  if (served.tools === null || verdict.effect === 'deny') return verdict;
  for (const [at, facts] of each.entries()) {
    const wrong = served.tools.request(facts);
    if (wrong === null) continue;
    const { limits: _, ...rest } = verdict;
    const where = each.length === 1 ? {} : { at };
    return { ...rest, effect: 'deny', reason: 'policy-denied', rule: ruleOf(call), message: wrong, ...where };
  }
  return verdict;
}

/** No rule of the config has a name with a dot. */
const ruleOf = ({ accepted }: CallState): string => `${accepted.served.config.name}.tools`;

/** Returns what follows the tool calls of a call's answer, null where nobody asks for them or the protocol has none. */
export function gatherCalls({ epoch, accepted: { operation, served } }: CallState): CallGatherer | null {
  if (!epoch.policy.answers.readsToolCalls && served.tools?.readsAnswers !== true) return null;
  if (operation === null) return null;
  const reading = served.codec.toolCalls?.(operation) ?? null;
  return reading === null ? null : new CallGatherer(reading);
}

/** Watches the tool calls of one answer. */
export interface CallsGuard {
  /** Throws Failure `policy-denied` for a call that the service does not let pass. Called before what was read leaves. */
  check(): void;
  /** What was read must not leave yet: it may be part of a call of which it is not known whether it passes. */
  readonly holds: boolean;
}

/** Returns the guard of a call's answer, null where its tool calls are not followed. */
export function guardAnswer(call: CallState): CallsGuard | null {
  const { epoch, accepted, toolCalls } = call;
  if (toolCalls === null) return null;
  const guard = accepted.served.tools;
  const { readsToolCalls } = epoch.policy.answers;
  let checked = 0;

  const refuse = (wrong: string | null): void => {
    if (wrong === null) return;
    const rule = ruleOf(call);
    call.session?.mark(`the answer was denied by ${rule}`);
    throw new Failure('policy-denied', `the answer was denied by ${rule}`, { detail: wrong });
  };

  return {
    check() {
      if (guard === null) return;
      for (; checked < toolCalls.calls.length; checked++) {
        const made = toolCalls.calls[checked];
        if (made !== undefined) refuse(guard.call(made));
      }
      for (const name of toolCalls.open) if (name !== '') refuse(guard.name(name));
    },
    get holds() {
      return toolCalls.open.some((name) => name === '' || readsToolCalls || guard?.readsArguments(name) === true);
    },
  };
}
