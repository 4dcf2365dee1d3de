/** What differs between two recorded calls. */

import type { Codec } from '../protocol/codec.ts';
import { requestOf, type RecordedSession } from './read-session.ts';
import { answerText, stringsOf } from './session-texts.ts';

/** A line that only one of two texts has, or both. */
export interface DiffLine {
  readonly in: 'a' | 'b' | 'both';
  readonly text: string;
}

/** Two calls beside one another. */
export interface SessionDiff {
  /** What is not the same of who, what and how. */
  readonly facts: readonly { readonly name: string; readonly a: string; readonly b: string }[];
  readonly request: readonly DiffLine[];
  readonly answer: readonly DiffLine[];
}

const same = (text: string): DiffLine => ({ in: 'both', text });
const onlyA = (text: string): DiffLine => ({ in: 'a', text });
const onlyB = (text: string): DiffLine => ({ in: 'b', text });

/** Beyond this many cells the middle of two texts is taken as wholly different. */
const MAX_CELLS = 4_000_000;

/** Returns two texts line by line, with the longest common sequence of lines in both. */
function diffLines(a: string, b: string): readonly DiffLine[] {
  const [left, right] = [a.split('\n'), b.split('\n')];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  return [
    ...left.slice(0, start).map(same),
    ...middle(left.slice(start, left.length - end), right.slice(start, right.length - end)),
    ...(end === 0 ? [] : left.slice(-end).map(same)),
  ];
}

function middle(left: readonly string[], right: readonly string[]): readonly DiffLine[] {
  if (left.length * right.length > MAX_CELLS) return [...left.map(onlyA), ...right.map(onlyB)];
  const width = right.length + 1;
  // how long the common sequence of what is behind two places is
  const common = new Uint32Array((left.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      common[i * width + j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]];
    if (a !== undefined && a === b) {
      lines.push({ in: 'both', text: a });
      i++;
      j++;
    } else if (b === undefined || (a !== undefined && at(i + 1, j) >= at(i, j + 1))) lines.push(onlyA(left[i++] ?? ''));
    else lines.push(onlyB(right[j++] ?? ''));
  }
  return lines;
}

const factsOf = ({ opening, details, ending, events, row }: RecordedSession): Readonly<Record<string, string>> => ({
  caller: opening.caller === null ? '' : `${opening.caller.subject} of ${opening.caller.issuer}`,
  service: opening.service,
  operation: opening.operation,
  model: opening.model,
  call: `${details.method} ${details.path}`,
  tools: opening.facts.tools.join(', '),
  verdict: `${opening.effect} ${opening.rule}`.trim(),
  policies: opening.policy,
  reason: row.reason,
  status: String(ending?.status ?? ''),
  'input tokens': String(ending?.usage?.input ?? ''),
  'output tokens': String(ending?.usage?.output ?? ''),
  'findings in': JSON.stringify(opening.facts.findings),
  'findings out': JSON.stringify(ending?.findings ?? {}),
  'first byte': ending === null || ending.first < 0 ? '' : `${ending.first / 1000} ms`,
  end: `${(events.at(-1)?.at ?? 0) / 1000} ms`,
});

const request = (session: RecordedSession): string => stringsOf(requestOf(session).toString('utf8'));

/** Returns what differs between two calls. */
export function diffSessions(a: RecordedSession, b: RecordedSession, codecOf: (service: string) => Codec): SessionDiff {
  const [left, right] = [factsOf(a), factsOf(b)];
  const answer = (session: RecordedSession): string => stringsOf(answerText(session, codecOf(session.opening.service)));
  return {
    facts: Object.keys(left).flatMap((name) =>
      left[name] === right[name] ? [] : [{ name, a: left[name] ?? '', b: right[name] ?? '' }],
    ),
    request: diffLines(request(a), request(b)),
    answer: diffLines(answer(a), answer(b)),
  };
}
