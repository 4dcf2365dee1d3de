/** One session for people and for `--json`. */

import type { Event } from '../record/event.ts';
import { FEATURES } from '../record/features.ts';
import { bodyOf, type RecordedSession, type Seal, type SessionContent } from '../record/read-session.ts';
import { type Line, type Style, styled } from './table.ts';

/** Returns microseconds as people read them. */
export const showMicros = (micros: number): string => {
  if (micros < 0) return '';
  if (micros < 10_000) return `${(micros / 1000).toFixed(1)} ms`;
  return micros < 1_000_000 ? `${Math.round(micros / 1000)} ms` : `${(micros / 1_000_000).toFixed(2)} s`;
};

/** Returns a time in ms since the epoch as ISO 8601 (RFC 3339) in UTC. */
export const showTime = (at: number): string => new Date(at).toISOString();

/** How a reason looks. */
export const reasonStyle = (reason: string): Style => {
  if (reason === 'completed') return 'green';
  return reason === '' || reason === 'caller-left' || reason === 'interrupted' ? 'yellow' : 'red';
};

const row = (name: string, text: string): Line => [styled('dim', name.padEnd(12)), text];

const counts = (findings: Readonly<Record<string, number>>): string =>
  Object.entries(findings)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ') || 'none';

const SEALS: Readonly<Record<Seal['kind'], readonly [Style, string]>> = {
  sealed: ['green', 'every frame is the one that the ledger commits to'],
  open: ['yellow', 'not all of it is in a published checkpoint yet'],
  broken: ['red', 'NOT what the ledger commits to: '],
};

/** Returns the line that says whether the session is what the ledger commits to. */
export const showSeal = (seal: Seal): Line => {
  const [style, text] = SEALS[seal.kind];
  return [styled('dim', 'evidence'.padEnd(12)), styled(style, seal.kind === 'broken' ? text + seal.found : text)];
};

const showOpening = (id: string, { opening, details }: SessionContent): readonly Line[] => [
  row('session', id),
  row('opened', showTime(opening.at)),
  row(
    'caller',
    opening.caller === null
      ? 'nobody'
      : `${opening.caller.subject} of ${opening.caller.issuer} (${opening.caller.kind})`,
  ),
  row('groups', details.caller?.groups.join(', ') ?? ''),
  row('from', details.source),
  row('call', `${details.method} ${details.path}${details.query === '' ? '' : `?${details.query}`}`),
  row('service', `${opening.service}: ${opening.operation}, model ${opening.model || 'none'}`),
  row(
    'verdict',
    `${opening.effect}${opening.rule === '' ? '' : ` by ${opening.rule}`} (policy ${opening.policy.slice(0, 12)})`,
  ),
  ...(opening.facts.operations > 1
    ? [row('operations', `${opening.facts.operations}; number ${opening.decided + 1} decided`)]
    : []),
  ...(opening.replayOf === '' ? [] : [row('repeats', opening.replayOf)]),
  ...(opening.approval === '' ? [] : [row('approval', opening.approval)]),
];

const showEnding = ({ opening, ending, events }: SessionContent): readonly Line[] => {
  if (ending === null) return [row('ended', 'it has no end')];
  const { usage, bytes, dropped, first, chunks, maxGap } = ending;
  const duration = events.at(-1)?.at ?? -1;
  return [
    [
      styled('dim', 'ended'.padEnd(12)),
      styled(reasonStyle(ending.reason), ending.reason),
      ` (${ending.ended}), status ${ending.status}`,
    ],
    row(
      'times',
      `first byte ${showMicros(first) || 'never'}, end ${showMicros(duration)}, longest pause ${showMicros(maxGap)}`,
    ),
    row('tokens', usage === null ? `about ${opening.facts.inputTokens} in` : `${usage.input} in, ${usage.output} out`),
    row(
      'bytes',
      `${opening.facts.bodyBytes} in, ${bytes + dropped} out in ${chunks} pieces${dropped > 0 ? `, ${dropped} of them not recorded` : ''}`,
    ),
    row('findings', `in: ${counts(opening.facts.findings)}; out: ${counts(ending.findings)}`),
  ];
};

/** Returns what was recorded of the call with this id as lines. */
export const showContent = (id: string, content: SessionContent): readonly Line[] => [
  ...showOpening(id, content),
  ...showEnding(content),
];

/** Returns a session as lines; with its bodies as the wire had them when `bodies`. */
export function showSession(session: RecordedSession, bodies: boolean): readonly Line[] {
  const lines = [...showContent(session.row.id, session), showSeal(session.seal)];
  return bodies ? [...lines, ...showBodies(session)] : lines;
}

/** Returns the bodies of a call as lines, as the wire had them. */
export function showBodies(session: SessionContent): readonly Line[] {
  return BODIES.flatMap(([code, title]): readonly Line[] => {
    const body = bodyOf(session, code);
    return body.length === 0 ? [] : ['', styled('bold', title), ...linesOf(body)];
  });
}

const BODIES = [
  ['q', 'request as it came'],
  ['f', 'request as it was forwarded'],
  ['d', 'answer as the caller saw it'],
] as const;

const linesOf = (bytes: Buffer): readonly string[] => bytes.toString('utf8').split(/\r?\n/);

/** Returns a session as `--json` prints it. */
export const sessionJson = (session: RecordedSession, bodies: boolean): object => {
  const { row: indexed, opening, details, ending, seal } = session;
  const values: readonly unknown[] = indexed.features === '' ? [] : JSON.parse(indexed.features);
  const { id, duration } = indexed;
  const features = Object.fromEntries(
    FEATURES.flatMap(({ name }, at) => (at < values.length ? [[name, values[at]]] : [])),
  );
  const leaves = { start: indexed.leaf, end: indexed.end_leaf };
  const whole = { id, opening, details, ending, duration, features, leaves, seal };
  return bodies ? { ...whole, events: session.events.map(eventJson) } : whole;
};

/** Returns an event as `--json` prints it: text as text, bytes as UTF-8 text when they are that, else as base64. */
export function eventJson({ at, code, payload }: Event): object {
  if (typeof payload === 'string') return { at, code, text: payload };
  const text = payload.toString('utf8');
  return Buffer.from(text).equals(payload) ? { at, code, text } : { at, code, base64: payload.toString('base64') };
}
