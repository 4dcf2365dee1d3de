/** Strict reading of JSON (RFC 8259, narrowed as I-JSON does, RFC 7493): a document has one reading or none. */

import { isUtf8 } from 'node:buffer';
import type { JsonStep } from '../../call.ts';
import { Failure, type Reason } from '../../reasons.ts';
import { buildJson } from './json-build.ts';
import { editJson } from './json-edit.ts';
import { finiteText } from './non-finite.ts';
import { endOfString, isSpace, shapeOf } from './json-lexer.ts';
import { isObject, itemsOf } from '../value.ts';

/** The deepest nesting of arrays and objects that is read. */
export const MAX_DEPTH = 128;
/** The most arrays, objects and members that one document may have; a prompt has a few for each message. */
export const MAX_PARTS = 500_000;
/** A text below this size costs little to parse, whatever its shape. */
const LARGE = 65_536;

/** A body that was read once; everything later works on this reading. */
export interface JsonDocument {
  /** The bytes as they came. */
  readonly bytes: Buffer;
  readonly text: string;
  readonly value: unknown;
}

const COLON = 0x3a;

/** The escape that some member name is spelled with: what JSON.parse makes of such a name is not to be trusted. */
const ESCAPED_NAME = -1;

/**
 * Returns how many members the objects of a valid JSON text spell out: strings that a colon follows.
 * ESCAPED_NAME when one of them is spelled with an escape.
 */
const spelledMembers = (text: string): number => {
  let count = 0;
  let open = text.indexOf('"');
  while (open !== -1) {
    const close = endOfString(text, open);
    let next = close + 1;
    while (isSpace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === COLON) {
      if (text.slice(open, close).includes('\\')) return ESCAPED_NAME;
      count++;
    }
    open = text.indexOf('"', next);
  }
  return count;
};

/** More levels of nesting than MAX_DEPTH. */
const TOO_DEEP = -1;

/** Returns how many members the objects of a parsed value have; TOO_DEEP when it nests deeper than `depth`. */
const parsedMembers = (value: unknown, depth: number): number => {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === 0) return TOO_DEEP;
  let count = 0;
  if (isObject(value)) {
    for (const name in value) {
      const members = parsedMembers(value[name], depth - 1);
      if (members === TOO_DEEP) return TOO_DEEP;
      count += 1 + members;
    }
    return count;
  }
  for (const item of itemsOf(value)) {
    const members = parsedMembers(item, depth - 1);
    if (members === TOO_DEEP) return TOO_DEEP;
    count += members;
  }
  return count;
};

const isWellFormed = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && isWellFormed(inner));
};

/** What a text may hold beyond the narrow form. */
export interface JsonTolerance {
  /**
   * `keep` reads `"\ud83d"` without its other half. Model servers split a character over two events of a stream;
   * in a request it is refused, because servers read it differently (RFC 7493 §2.1).
   */
  readonly loneSurrogates: 'refuse' | 'keep';
  /** Reads `NaN`, `Infinity` and `-Infinity`, as TensorFlow Serving, Triton and Python's json write them. */
  readonly nonFinite?: boolean | undefined;
}

const NARROW: JsonTolerance = { loneSurrogates: 'refuse' };

const refusal = (reason: Reason, found: string): Failure =>
  new Failure(reason, `expected strict JSON, found ${found}`, { detail: `Expected JSON, found ${found}.` });

const REPEATED_NAME = 'a repeated member name';
const NESTING = `more than ${MAX_DEPTH} levels of nesting`;

/**
 * Throws Failure `reason` for a large text of a shape that would hold the thread for seconds, and hundreds of megabytes,
 * if it were parsed. Counting costs a tenth of parsing.
 */
const checkShape = (text: string, reason: Reason): void => {
  const { depth, parts } = shapeOf(text, MAX_DEPTH);
  if (depth > MAX_DEPTH) throw refusal(reason, NESTING);
  if (parts > MAX_PARTS) throw refusal(reason, `more than ${MAX_PARTS} arrays, objects and members`);
};

const syntax = (text: string, reason: Reason): unknown => {
  if (text.length > LARGE) checkShape(text, reason);
  try {
    return JSON.parse(text);
  } catch {
    // The engine's message quotes the payload: it is not kept as the cause.
    throw refusal(reason, 'something else');
  }
};

/**
 * Returns the parsed value, or the one built from the text where the parsed one may hold a misread name.
 *
 * The test for repeated names is exact: every member of the parsed value is the last of the members that the text
 * spells out under that name, so both counts agree if and only if no member was overwritten, itself or with the
 * object around it.
 */
const single = (text: string, parsed: object, reason: Reason): unknown => {
  const spelled = spelledMembers(text);
  if (spelled === ESCAPED_NAME) {
    const built = buildJson(text, MAX_DEPTH);
    if (built.kind === 'value') return built.value;
    throw refusal(reason, built.why === 'too deep' ? NESTING : REPEATED_NAME);
  }
  const members = parsedMembers(parsed, MAX_DEPTH);
  if (members === TOO_DEEP) throw refusal(reason, NESTING);
  if (members !== spelled) throw refusal(reason, REPEATED_NAME);
  return parsed;
};

/** Returns the value of a text that is JSON but for NaN and infinities. */
const nonFinite = (text: string, reason: Reason, { loneSurrogates }: JsonTolerance): unknown => {
  const built = buildJson(text, MAX_DEPTH);
  if (built.kind === 'refused') throw refusal(reason, built.why === 'too deep' ? NESTING : REPEATED_NAME);
  if (loneSurrogates === 'refuse' && !isWellFormed(built.value)) throw refusal(reason, 'half a surrogate pair');
  return built.value;
};

/**
 * Returns the value of a JSON text. Throws Failure `reason` when it is not exactly one value, when an object repeats
 * a member name (spelled alike or not), or when it has more than MAX_DEPTH levels or MAX_PARTS parts.
 */
export const parseJson = (text: string, reason: Reason, tolerance: JsonTolerance = NARROW): unknown => {
  const finite = tolerance.nonFinite === true ? finiteText(text) : text;
  const parsed = syntax(finite, reason);
  if (finite !== text) return nonFinite(text, reason, tolerance);
  const value = typeof parsed === 'object' && parsed !== null ? single(text, parsed, reason) : parsed;
  // Only an escape can spell half a surrogate pair: UTF-8 has no bytes for it.
  if (tolerance.loneSurrogates === 'refuse' && text.includes('\\u') && !isWellFormed(value))
    throw refusal(reason, 'half a surrogate pair');
  return value;
};

/**
 * Returns the document that the bytes hold, read strictly. Throws Failure `reason` as parseJson does, and for bytes
 * that are not UTF-8. A byte order mark is no part of JSON (RFC 8259 §8.1): the text keeps it, and does not parse.
 */
export const readJson = (
  bytes: Buffer,
  reason: Reason = 'body-unreadable',
  tolerance: JsonTolerance = NARROW,
): JsonDocument => {
  if (!isUtf8(bytes)) throw refusal(reason, 'bytes that are not UTF-8');
  const text = bytes.toString('utf8');
  return { bytes, text, value: parseJson(text, reason, tolerance) };
};

/**
 * Returns the JSON text with those string values replaced for which `replace` returns another string; every other
 * character stays as it came. `path` is reused between calls: copy it to keep it. The text must be valid JSON.
 */
export const rewriteStrings = (text: string, replace: (path: readonly JsonStep[], value: string) => string): string =>
  editJson(text, { string: replace });
