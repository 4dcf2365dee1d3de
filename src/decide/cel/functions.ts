/** The functions of the policy language: CEL's standard ones for the types that there are, and two for letters' case. */

import { RE2JS } from '@bufbuild/re2';
import { int64, OPERATORS } from './arithmetic.ts';
import { Fault, NO_CONVERSION, OVERFLOW } from './fault.ts';
import { func, method, type Overload } from './overload.ts';
import {
  durationOf,
  inZone,
  parseDuration,
  parseTimestamp,
  PARTS,
  readZone,
  showDuration,
  showTimestamp,
  timestampAt,
} from './time.ts';
import {
  BOOL,
  DOUBLE,
  type Duration,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  STRING,
  type Timestamp,
  TIMESTAMP,
  TYPE,
  TypeValue,
} from './type.ts';
import { kindOf } from './value.ts';

const LIST = listOf(DYN);
const MAP = mapOf(DYN, DYN);
const SECOND = 1_000_000_000n;

const codePoints = (text: string): bigint => {
  let pairs = 0;
  for (let at = 0; at < text.length; at++) {
    const isPair = (text.charCodeAt(at) & 0xfc_00) === 0xd8_00 && (text.charCodeAt(at + 1) & 0xfc_00) === 0xdc_00;
    if (isPair) pairs++;
  }
  return BigInt(text.length - pairs);
};

const SIZES: readonly Overload[] = [func, method].flatMap((define) => [
  define('size', [STRING], INT, codePoints, { cost: (text) => text.length / 64 }),
  define('size', [LIST], INT, (list) => BigInt(list.length)),
  define('size', [MAP], INT, (map) => BigInt(map.size)),
]);

const PATTERN_NEEDED = new Fault('the pattern of matches() must be a literal');
const MAX_PATTERN = 1000;

/** Returns a test for an RE2 pattern, which takes time in proportion to the text whatever the pattern is. Throws Fault. */
const compilePattern = (pattern: string | undefined): ((text: string) => boolean) => {
  // A pattern out of a call would be code of the caller's.
  if (pattern === undefined) throw PATTERN_NEEDED;
  if (pattern.length > MAX_PATTERN) throw new Fault(`expected a pattern of at most ${MAX_PATTERN} characters`);
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.test(text);
  } catch {
    throw new Fault('the pattern is not one of RE2 (no lookaround, no backreferences)');
  }
};

const needsPattern = (_text: string, _pattern: string): boolean => {
  throw PATTERN_NEEDED;
};

const search = (text: string): number => text.length / 128;

const TEXTS: readonly Overload[] = [
  method('contains', [STRING, STRING], BOOL, (text, part) => text.includes(part), { cost: search }),
  method('startsWith', [STRING, STRING], BOOL, (text, part) => text.startsWith(part)),
  method('endsWith', [STRING, STRING], BOOL, (text, part) => text.endsWith(part)),
  ...[func, method].map((define) =>
    define('matches', [STRING, STRING], BOOL, needsPattern, {
      cost: (text) => text.length / 4,
      prepare: ([, pattern]) => compilePattern(pattern),
    }),
  ),
  method('lowerAscii', [STRING], STRING, (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()), {
    cost: (text) => text.length / 4,
  }),
  method('upperAscii', [STRING], STRING, (text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()), {
    cost: (text) => text.length / 4,
  }),
];

const BOOLS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  TRUE: true,
  t: true,
  '1': true,
  false: false,
  False: false,
  FALSE: false,
  f: false,
  '0': false,
};

const readBool = (text: string): boolean => {
  const value = Object.hasOwn(BOOLS, text) ? BOOLS[text] : undefined;
  if (value === undefined) throw NO_CONVERSION;
  return value;
};

const readInt = (text: string): bigint => {
  if (!/^[+-]?\d{1,30}$/.test(text)) throw NO_CONVERSION;
  return int64(BigInt(text.replace(/^\+/, '')));
};

const readDouble = (text: string): number => {
  if (!/^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(Inf(inity)?)|NaN)$/.test(text.slice(0, 400))) throw NO_CONVERSION;
  return Number(text.replace(/Inf$/, 'Infinity'));
};

const truncate = (value: number): bigint => {
  // CEL: a double at or beyond either end is out of range, because it may stand for a number outside.
  if (!(Math.abs(value) < 2 ** 63)) throw OVERFLOW;
  return BigInt(Math.trunc(value));
};

const showDouble = (value: number): string => String(value).replace('Infinity', 'Inf');

const constant = <T>(literal: T | undefined, read: (literal: T) => unknown): (() => unknown) | null => {
  if (literal === undefined) return null;
  const value = read(literal);
  return () => value;
};

const TIME_TYPES: Readonly<Record<string, string>> = {
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

const typeOf = (value: unknown): TypeValue => {
  const kind = kindOf(value) ?? 'struct';
  return new TypeValue(TIME_TYPES[kind] ?? kind);
};

const CONVERSIONS: readonly Overload[] = [
  func('int', [INT], INT, (value) => value),
  func('int', [DOUBLE], INT, truncate),
  func('int', [STRING], INT, readInt),
  func('int', [TIMESTAMP], INT, ({ nanos }) => (nanos - (((nanos % SECOND) + SECOND) % SECOND)) / SECOND),
  func('int', [DURATION], INT, ({ nanos }) => nanos / SECOND),
  func('double', [DOUBLE], DOUBLE, (value) => value),
  func('double', [INT], DOUBLE, Number),
  func('double', [STRING], DOUBLE, readDouble),
  func('bool', [BOOL], BOOL, (value) => value),
  func('bool', [STRING], BOOL, readBool),
  func('string', [STRING], STRING, (value) => value),
  func('string', [BOOL], STRING, String),
  func('string', [INT], STRING, String),
  func('string', [DOUBLE], STRING, showDouble),
  func('string', [TIMESTAMP], STRING, showTimestamp, { cost: () => 20 }),
  func('string', [DURATION], STRING, showDuration),
  func('timestamp', [TIMESTAMP], TIMESTAMP, (value) => value),
  func('timestamp', [STRING], TIMESTAMP, parseTimestamp, {
    cost: () => 20,
    prepare: ([text]) => constant(text, parseTimestamp),
  }),
  func('timestamp', [INT], TIMESTAMP, (seconds) => timestampAt(seconds * SECOND)),
  func('duration', [DURATION], DURATION, (value) => value),
  func('duration', [STRING], DURATION, parseDuration, {
    cost: () => 20,
    prepare: ([text]) => constant(text, parseDuration),
  }),
  func('duration', [INT], DURATION, (seconds) => durationOf(seconds * SECOND)),
  func('dyn', [DYN], DYN, (value) => value),
  func('type', [DYN], TYPE, typeOf),
];

// A calendar takes some 2 µs.
const CALENDAR_COST = 20;

const CALENDAR: readonly Overload[] = Object.entries(PARTS).flatMap(([name, part]) => [
  method(name, [TIMESTAMP], INT, (at) => BigInt(part(inZone(at, 'UTC'))), { cost: () => CALENDAR_COST }),
  method(name, [TIMESTAMP, STRING], INT, (at, zone) => BigInt(part(inZone(at, readZone(zone)))), {
    cost: () => 2 * CALENDAR_COST,
    prepare: ([, zone]) => {
      if (zone === undefined) return null;
      const known = readZone(zone);
      return (at: Timestamp) => BigInt(part(inZone(at, known)));
    },
  }),
]);

const whole =
  (unit: bigint) =>
  ({ nanos }: Duration): bigint =>
    nanos / unit;

const SPANS: readonly Overload[] = [
  method('getHours', [DURATION], INT, whole(3600n * SECOND)),
  method('getMinutes', [DURATION], INT, whole(60n * SECOND)),
  method('getSeconds', [DURATION], INT, whole(SECOND)),
  // CEL: the milliseconds within the second, other than the rest.
  method('getMilliseconds', [DURATION], INT, ({ nanos }) => (nanos % SECOND) / 1_000_000n),
];

/** Every function and operator whose argument types alone say what it does. */
export const OVERLOADS: readonly Overload[] = [...OPERATORS, ...SIZES, ...TEXTS, ...CONVERSIONS, ...CALENDAR, ...SPANS];
