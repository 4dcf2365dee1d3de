/** Which counts a call takes from: what `per` of a limit sets apart. */

import type { Caller } from '../call.ts';
import type { LimitConfig } from '../config.ts';
import type { Subject } from './environment.ts';

/** Returns the names of the counts that a call takes from: one, or one for each group of the caller. */
export type KeysOfCounts = (subject: Subject) => readonly string[];

type Part = (subject: Subject) => string;

/** No value can look like the end of another: each stands behind its length. */
const framed = (text: string): string => `${text.length}:${text}`;

// A caller is one object for as long as its token is remembered.
const callers = new WeakMap<Caller, string>();

const callerPart = ({ caller }: Subject): string => {
  const known = callers.get(caller);
  if (known !== undefined) return known;
  const part = framed(caller.issuer) + framed(caller.subject);
  callers.set(caller, part);
  return part;
};

const PARTS: Readonly<Record<Exclude<LimitConfig['per'][number], 'group'>, Part>> = {
  caller: callerPart,
  service: ({ request }) => framed(request.service),
  model: ({ facts }) => framed(facts.model),
  operation: ({ facts }) => framed(facts.operation),
};

/** Returns what names the counts of a limit with this `per`, whatever order its words stand in. */
export const keysOfCounts = (per: LimitConfig['per']): KeysOfCounts => {
  const parts = (['caller', 'service', 'model', 'operation'] as const)
    .filter((word) => per.includes(word))
    .map((word) => PARTS[word]);
  const [only] = parts;
  const rest: Part =
    only !== undefined && parts.length === 1
      ? only
      : (subject) => parts.reduce((name, part) => name + part(subject), '');
  if (!per.includes('group')) return (subject) => [rest(subject)];
  return (subject) => {
    const { groups } = subject.caller;
    const name = rest(subject);
    if (groups.length === 0) return [name + framed('')];
    return [...new Set(groups)].map((group) => name + framed(group));
  };
};
