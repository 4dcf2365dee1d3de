/**
 * The numbers of a session that its ledger leaf carries (`f` of `session.end`), from which anomalies are computed
 * later: no text, nobody's name. Positions never change their meaning; new ones are added at the end.
 */

import { crc32 } from 'node:zlib';
import type { EndingRecord } from './ending.ts';
import type { OpeningSummary } from './opening.ts';

/** What a feature is computed from. `duration` is µs from the opening to the end. */
interface Ended {
  readonly opening: OpeningSummary;
  readonly ending: EndingRecord;
  readonly duration: number;
}

interface Feature {
  readonly name: string;
  readonly unit: string;
  readonly of: (session: Ended) => number;
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/**
 * A number that is the same for calls of one shape: operation, sequence of roles (runs of one role count once), names
 * of tools, kinds of attachments. CRC-32: it groups, it proves nothing.
 */
function shape({ opening: { operation, facts } }: Ended): number {
  const roles = facts.roles.replaceAll(/(.)\1+/g, '$1');
  const attached = [facts.images > 0, facts.audios > 0, facts.files > 0].map(Number).join('');
  return crc32([operation, roles, attached, ...facts.tools].join('\0'));
}

const meanGap = ({ ending: { chunks, first, last } }: Ended): number =>
  chunks > 1 ? Math.round((last - first) / (chunks - 1)) : 0;

/** Position → meaning. All are whole numbers from 0; 0 where nothing is known. */
export const FEATURES: readonly Feature[] = [
  { name: 'request_bytes', unit: 'bytes', of: ({ opening }) => opening.facts.bodyBytes },
  { name: 'answer_bytes', unit: 'bytes', of: ({ ending }) => ending.bytes + ending.dropped },
  { name: 'input_estimate', unit: 'tokens', of: ({ opening }) => opening.facts.inputTokens },
  { name: 'input_tokens', unit: 'tokens', of: ({ ending }) => ending.usage?.input ?? 0 },
  { name: 'output_tokens', unit: 'tokens', of: ({ ending }) => ending.usage?.output ?? 0 },
  { name: 'max_tokens', unit: 'tokens', of: ({ opening }) => opening.facts.maxTokens },
  { name: 'answers', unit: 'answers asked for', of: ({ opening }) => opening.facts.n },
  { name: 'texts', unit: 'texts', of: ({ opening }) => opening.facts.texts },
  { name: 'tools', unit: 'tools offered', of: ({ opening }) => opening.facts.toolCount },
  { name: 'images', unit: 'parts', of: ({ opening }) => opening.facts.images },
  { name: 'audios', unit: 'parts', of: ({ opening }) => opening.facts.audios },
  { name: 'files', unit: 'parts', of: ({ opening }) => opening.facts.files },
  { name: 'token_ids', unit: 'ids', of: ({ opening }) => opening.facts.tokenIds },
  { name: 'streamed', unit: '0 or 1', of: ({ opening }) => Number(opening.facts.stream) },
  { name: 'opaque', unit: '0 or 1', of: ({ opening }) => Number(opening.facts.opaque) },
  { name: 'shape', unit: 'CRC-32', of: shape },
  { name: 'findings_in', unit: 'findings', of: ({ opening }) => sum(opening.facts.findings) },
  { name: 'findings_out', unit: 'findings', of: ({ ending }) => sum(ending.findings) },
  { name: 'status', unit: 'HTTP status', of: ({ ending }) => ending.status },
  { name: 'events', unit: 'upstream chunks', of: ({ ending }) => ending.events },
  { name: 'chunks', unit: 'pieces that left', of: ({ ending }) => ending.chunks },
  { name: 'duration', unit: 'µs', of: ({ duration }) => duration },
  { name: 'first_byte', unit: 'µs', of: ({ ending }) => Math.max(0, ending.first) },
  { name: 'max_gap', unit: 'µs between pieces', of: ({ ending }) => ending.maxGap },
  { name: 'mean_gap', unit: 'µs between pieces', of: meanGap },
  { name: 'tensors', unit: 'tensors', of: ({ opening }) => opening.facts.tensorCount },
];

/** Returns the numbers of a session in the order of FEATURES. What is no whole number from 0 becomes 0. */
export const featuresOf = (session: Ended): readonly number[] =>
  FEATURES.map(({ of }) => {
    const value = of(session);
    return Number.isSafeInteger(value) && value >= 0 ? value : 0;
  });
