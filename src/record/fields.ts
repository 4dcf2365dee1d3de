/** Field lines as they are recorded: credentials and cookies are left out before anything is kept (promise 8). */

/** name, value, name, value in the order they came; null where a value was left out. */
export type RecordedFields = readonly (string | null)[];

/** Left out wherever they stand, beside what the caller of `keepFields` names. */
const ALWAYS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
]);

/** Returns `raw` (name, value, …) with the values of the fields in `redact` (lower-case names) replaced by null. */
export function keepFields(raw: readonly string[], redact: ReadonlySet<string>): RecordedFields {
  const kept: (string | null)[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const lower = name.toLowerCase();
    kept.push(name, ALWAYS.has(lower) || redact.has(lower) ? null : (raw[at + 1] ?? ''));
  }
  return kept;
}
