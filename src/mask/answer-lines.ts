/**
 * Masks what stands beside the content of an answer: the field lines of its heads and trailers, and the words of its status
 * line. A model server may say there what it says in its content: where it redirects to, what it could not find.
 */

import { isUtf8 } from 'node:buffer';
import type { Finding } from '../call.ts';
import { Failure } from '../reasons.ts';
import { failureOf } from './answer.ts';
import { maskerAt } from './document.ts';
import type { TextMasker } from './text-masker.ts';

/** Dates and numbers by their grammar (RFC 9110, RFC 9111): masking a digit of them would only break the answer. */
const NUMBERS: ReadonlySet<string> = new Set([
  'age',
  'content-length',
  'content-range',
  'date',
  'expires',
  'grpc-status',
  'last-modified',
  'retry-after',
]);

// RFC 9110 §5.5, octets as latin1
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

type Found = (finding: Finding) => void;

/**
 * Returns the value of a field line masked, octets as latin1; null where it can only be withheld: a finding is spelled with
 * percent-escapes, or what stands for it may not be written there.
 */
const maskLine = (value: string, here: TextMasker, found: Found): string | null => {
  const text = BEYOND_ASCII.test(value) ? decoded(value) : value;
  const masked = here.whole(text, found);
  if (masked !== text) {
    const written = Buffer.from(masked).toString('latin1');
    return VALUE.test(written) ? written : null;
  }
  const plain = unescaped(text);
  return plain === text || here.whole(plain, found) === plain ? value : null;
};

const BEYOND_ASCII = /[\x80-\xff]/;

/** Returns the text of octets that are written as latin1: UTF-8 where they are that. */
const decoded = (value: string): string => {
  const octets = Buffer.from(value, 'latin1');
  return isUtf8(octets) ? octets.toString('utf8') : value;
};

const unescaped = (text: string): string => {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/**
 * Returns the field lines of an answer with their values masked; the very same list when nothing was. Throws Failure
 * `answer-blocked`.
 */
export const maskLines = (raw: readonly string[], masker: TextMasker, found: Found): readonly string[] => {
  const here = maskerAt({ masker }, [], null);
  let changed = false;
  const lines: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    const masked = NUMBERS.has(name.toLowerCase()) ? value : guarded(() => maskLine(value, here, found));
    if (masked !== value) changed = true;
    if (masked !== null) lines.push(name, masked);
  }
  return changed ? lines : raw;
};

/** Returns the words of a status line, '' when something in them is masked. Throws Failure `answer-blocked`. */
export const maskPhrase = (phrase: string, masker: TextMasker, found: Found): string =>
  guarded(() => maskLine(phrase, maskerAt({ masker }, [], null), found)) === phrase ? phrase : '';

const guarded = <T>(step: () => T): T => {
  try {
    return step();
  } catch (cause) {
    throw cause instanceof Failure ? failureOf(cause) : cause;
  }
};
