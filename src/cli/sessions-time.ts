/** Times and durations as people write them on the command line. */

import { CliError, EXIT } from './exit.ts';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Returns ms since the epoch of a time, or of so long ago. Throws CliError. */
export function readTime(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const known = unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' ? UNITS[unit] : 0;
  if (known > 0) return now - Number(count) * known;
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new CliError(EXIT.usage, `expected a time, found ${text}`, {
    hint: '15m is a quarter of an hour ago; 2026-01-31 and 2026-01-31T08:00:00Z are times too',
  });
}

/** Returns microseconds from the beginning of a recording: `2.5s`, `800ms`. Throws CliError. */
export function readOffset(text: string): number {
  const [, count, unit] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m)$/.exec(text) ?? [];
  if (count === undefined) {
    throw new CliError(EXIT.usage, `expected a time from the beginning, found ${text}`, { hint: '2.5s, 800ms or 3m' });
  }
  return Math.round(
    Number(count) * { ms: 1_000, s: 1_000_000, m: 60_000_000 }[unit === 'ms' || unit === 'm' ? unit : 's'],
  );
}
