/** What the index says of a session. */

import type { SessionRow } from '../store/sessions.ts';
import type { EndingRecord } from './ending.ts';
import type { OpeningSummary } from './opening.ts';
import { placesText } from './places.ts';
import type { Position } from './watermarks.ts';

/** A session as the recorder knows it from its frames. */
interface Seen {
  readonly id: string;
  readonly stream: string;
  readonly opening: OpeningSummary;
  readonly leaf: number;
  readonly page: { readonly position: Position };
  /** Where its frames begin. */
  readonly places: readonly Position[];
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const kindsOf = (...found: readonly Readonly<Record<string, number>>[]): string => {
  const kinds = new Set(found.flatMap((counts) => Object.keys(counts).filter((kind) => (counts[kind] ?? 0) > 0)));
  return kinds.size === 0 ? '' : ` ${[...kinds].toSorted().join(' ')} `;
};

/** Returns the row of a session that is under way. */
export function openRow({ id, stream, opening, leaf, page, places }: Seen): SessionRow {
  const { caller, facts } = opening;
  return {
    id,
    at: opening.at,
    issuer: caller?.issuer ?? '',
    subject: caller?.subject ?? '',
    kind: caller?.kind ?? '',
    service: opening.service,
    operation: opening.operation,
    model: opening.model,
    effect: opening.effect,
    rule: opening.rule,
    reason: '',
    status: -1,
    ended: '',
    approval: opening.approval,
    duration: -1,
    first: -1,
    input_tokens: -1,
    output_tokens: -1,
    request_bytes: facts.bodyBytes,
    answer_bytes: -1,
    findings: sum(facts.findings),
    kinds: kindsOf(facts.findings),
    features: '',
    leaf,
    end_leaf: -1,
    stream,
    places: placesText([page.position, ...places]),
  };
}

/** What came about at the end of a session. */
interface End {
  readonly ending: EndingRecord;
  readonly duration: number;
  readonly features: readonly number[];
  readonly leaf: number;
}

/** Returns the row of a session that has ended. */
export function closedRow(seen: Seen, { ending, duration, features, leaf }: End): SessionRow {
  const row = openRow(seen);
  return {
    ...row,
    reason: ending.reason,
    status: ending.status,
    ended: ending.ended,
    duration,
    first: ending.first,
    input_tokens: ending.usage?.input ?? -1,
    output_tokens: ending.usage?.output ?? -1,
    answer_bytes: ending.bytes + ending.dropped,
    findings: row.findings + sum(ending.findings),
    kinds: kindsOf(seen.opening.facts.findings, ending.findings),
    features: JSON.stringify(features),
    end_leaf: leaf,
  };
}

/** Returns the row of a session that a crash cut off; `leaf` is the number of its `session.recovered`. */
export const recoveredRow = (seen: Seen, leaf: number): SessionRow => ({
  ...openRow(seen),
  reason: 'interrupted',
  ended: 'truncated',
  end_leaf: leaf,
});
