/** Timestamps and durations: their texts, their bounds, and the calendar. */

import { Fault, NO_CONVERSION, OUT_OF_TIME } from './fault.ts';
import { Duration, Timestamp } from './type.ts';

const SECOND = 1_000_000_000n;
// google/protobuf/timestamp.proto: years 1 to 9999. A duration counts nanoseconds in 64 bits, as in cel-go.
const FIRST = -62_135_596_800n * SECOND;
const LAST = 253_402_300_800n * SECOND - 1n;
const LONGEST = 2n ** 63n - 1n;

/** Returns the timestamp at `nanos` since the epoch. Throws Fault outside of the years 1 to 9999. */
export const timestampAt = (nanos: bigint): Timestamp => {
  if (nanos < FIRST || nanos > LAST) throw OUT_OF_TIME;
  return new Timestamp(nanos);
};

/** Returns the duration of `nanos`. Throws Fault beyond some 292 years. */
export const durationOf = (nanos: bigint): Duration => {
  if (nanos > LONGEST || nanos < -LONGEST) throw OUT_OF_TIME;
  return new Duration(nanos);
};

// RFC 3339 §5.6
const INSTANT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/** Returns the timestamp that an RFC 3339 text names. Throws Fault. */
export const parseTimestamp = (text: string): Timestamp => {
  if (!INSTANT.test(text)) throw NO_CONVERSION;
  let nanos: bigint;
  try {
    nanos = Temporal.Instant.from(text).epochNanoseconds;
  } catch {
    throw NO_CONVERSION;
  }
  return timestampAt(nanos);
};

/** Returns the RFC 3339 text of a timestamp, in UTC. */
export const showTimestamp = ({ nanos }: Timestamp): string => new Temporal.Instant(nanos).toString();

const UNITS: Readonly<Record<string, bigint>> = {
  h: 3600n * SECOND,
  m: 60n * SECOND,
  s: SECOND,
  ms: 1_000_000n,
  us: 1000n,
  µs: 1000n,
  ns: 1n,
};
// A sequence of decimal numbers with units, such as "1h30m" or "1.5s".
const SPAN = /^[+-]?(?:(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:h|ms|m|s|us|µs|ns))+$/;
const PIECE = /(\d*)(?:\.(\d*))?(h|ms|m|s|us|µs|ns)/g;

/** Returns the duration that a text such as `1h30m` names. Throws Fault. */
export const parseDuration = (text: string): Duration => {
  if (text.length > 100 || !SPAN.test(text)) throw NO_CONVERSION;
  let nanos = 0n;
  for (const [, whole = '', fraction = '', name = ''] of text.matchAll(PIECE)) {
    const unit = UNITS[name] ?? 0n;
    nanos += BigInt(whole || '0') * unit + (BigInt(fraction || '0') * unit) / 10n ** BigInt(fraction.length);
  }
  return durationOf(text.startsWith('-') ? -nanos : nanos);
};

/** Returns a duration in seconds: `1.5s`. */
export const showDuration = ({ nanos }: Duration): string => {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${nanos < 0n ? '-' : ''}${size / SECOND}${fraction === '' ? '' : `.${fraction}`}s`;
};

/** Returns a timestamp's time zone as the calendar knows it: `02:00` is `+02:00`. Throws Fault for an unknown one. */
export const readZone = (zone: string): string => {
  const name = /^\d\d:\d\d$/.test(zone) ? `+${zone}` : zone;
  try {
    return new Temporal.Instant(0n).toZonedDateTimeISO(name).timeZoneId;
  } catch {
    throw new Fault('unknown time zone');
  }
};

/** The parts of a timestamp that a condition can ask for, from its calendar day and time. CEL counts most from 0. */
export const PARTS: Readonly<Record<string, (at: Temporal.ZonedDateTime) => number>> = {
  getFullYear: (at) => at.year,
  getMonth: (at) => at.month - 1,
  getDate: (at) => at.day,
  getDayOfMonth: (at) => at.day - 1,
  getDayOfWeek: (at) => at.dayOfWeek % 7,
  getDayOfYear: (at) => at.dayOfYear - 1,
  getHours: (at) => at.hour,
  getMinutes: (at) => at.minute,
  getSeconds: (at) => at.second,
  getMilliseconds: (at) => at.millisecond,
};

/** Returns the calendar day and time of a timestamp in a zone that `readZone` returned. */
export const inZone = ({ nanos }: Timestamp, zone: string): Temporal.ZonedDateTime =>
  new Temporal.Instant(nanos).toZonedDateTimeISO(zone);
