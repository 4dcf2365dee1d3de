/** Canonical JSON of configs, and its hash: the same for what means the same, however it is written. */

import { createHash } from 'node:crypto';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/**
 * Returns a value as canonical JSON (RFC 8785): names in order, numbers as ECMAScript writes them, nothing in between.
 * What is undefined is left out. Unlike the JSON of leaves (ledger/jcs.ts) it has fractions, and no bound on its depth.
 */
export const canonicalText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item ?? null)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    // RFC 8785 §3.2.3: by UTF-16 code units, as strings compare
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`);
  return `{${members.join(',')}}`;
};

/** Returns the SHA-256 of a text or of bytes, hex. */
export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
