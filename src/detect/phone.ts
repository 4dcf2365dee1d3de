/** Telephone numbers: candidates by shape, checked against the numbering plans of libphonenumber. */

import metadata from 'libphonenumber-js/min/metadata';
import { type Detector, re, rei } from './detector.ts';
import { HYPHENS, SPACES, WORD_START } from './fragments.ts';

/*
 * The plans are read straight from the library's metadata: its parser takes 6 to 12 µs a candidate, which would let a
 * text full of numbers stop a data thread, and this takes well under one. A test holds the two against one another.
 * The `min` build has each country's general pattern; the finer ones of `max` know which ranges are in use today, and a
 * range opened tomorrow must not leak.
 */

/** Where the library keeps a plan's general pattern of national numbers (metadata version 4). */
const PATTERN = 2;

if (metadata.version !== 4) throw new Error(`libphonenumber-js metadata has version ${metadata.version}, expected 4`);

const patternsOf = (callingCode: string): readonly string[] => {
  // `country_calling_codes` is declared with a closed set of keys; a code outside it is what we ask about.
  const byCode = metadata.country_calling_codes as Readonly<Record<string, readonly string[] | undefined>>;
  const countries = metadata.countries as Readonly<Record<string, readonly unknown[] | undefined>>;
  const plans = byCode[callingCode]?.map((country) => countries[country]) ?? [metadata.nonGeographic[callingCode]];
  return plans.flatMap((plan) => (typeof plan?.[PATTERN] === 'string' ? [plan[PATTERN]] : []));
};

const compiled = new Map<string, RegExp | null>();

/** Returns what the national numbers behind a calling code look like, or null when there is no such code. */
const planOf = (callingCode: string): RegExp | null => {
  const known = compiled.get(callingCode);
  if (known !== undefined) return known;
  const patterns = patternsOf(callingCode);
  const plan = patterns.length === 0 ? null : new RegExp(`^(?:${patterns.join('|')})$`);
  compiled.set(callingCode, plan);
  return plan;
};

/** Returns whether `digits`, calling code first, are a number that some plan allows (ITU-T E.164). */
export const isInternationalNumber = (digits: string): boolean => {
  for (let length = 1; length <= 3; length++) {
    const plan = planOf(digits.slice(0, length));
    // Calling codes are prefix-free: there is no second one to try.
    if (plan !== null) return plan.test(digits.slice(length));
  }
  return false;
};

/** `+44 (0)20 …`: the trunk prefix in brackets is not dialled from abroad. */
const digitsOf = (text: string): string => text.replace('(0)', '').replace(/\D/g, '');

/** Returns the lengths of `match` to try: all of it, then without its last group, and so on. */
const cuts = (match: string): readonly number[] => [
  match.length,
  ...Array.from(match.matchAll(/[^\d()]\(?\d/g), ({ index }) => index).toReversed(),
];

/** Accepts the longest number that is one: what follows may be another number. */
const acceptInternational = (match: string): number =>
  cuts(match).find((length) => isInternationalNumber(digitsOf(match.slice(0, length)).replace(/^00/, ''))) ?? 0;

const isNanp = (digits: string): boolean => planOf('1')?.test(digits) ?? false;

/** Spaces alone make a table of numbers look like this; brackets, hyphens or dots make it a telephone number. */
const acceptNanp = (match: string): number => {
  const number = match.replace(/\s*(?:x|ext).*$/i, '');
  return /[^\d\s]/.test(number) && isNanp(digitsOf(number).slice(-10)) ? match.length : 0;
};

const DATE = /^(?:19|20)\d\d[-./]?[01]\d[-./]?[0-3]\d/;

const acceptNational = (match: string): number => {
  const digits = match.replace(/\D/g, '');
  return DATE.test(match) || /^(\d)\1*$/.test(digits) ? 0 : match.length;
};

const BETWEEN = `[${SPACES}${HYPHENS}.\\/]`;
const EXTENSION = String.raw`(?: ?(?:x|ext\.?) ?\d{1,6})?`;
const TELEPHONE_WORDS = String.raw`(?:phone|telephone|tel|mobile|cell|fax|whatsapp)(?: ?(?:number|no\.?|#))?(?: is)?[\s:=.#"']{1,3}`;

/** Detectors of this family, in priority order. */
export const PHONE: readonly Detector[] = [
  {
    kind: 'phone',
    pattern: re`(?:(?<![A-Za-z0-9_+])|(?<=\\[nrt]))(?:\+|00[1-9]\d{0,2}${BETWEEN})\(?\d{1,3}\)?(?:${BETWEEN}?\(\d{1,4}\))?(?:${BETWEEN}?\d){5,14}(?!\d)`,
    accept: acceptInternational,
    score: 0.9,
  },
  {
    kind: 'phone',
    pattern: re`${WORD_START}(?<!\d[-.])(?:1${BETWEEN})?(?:\([2-9]\d{2}\)${BETWEEN}?|[2-9]\d{2}${BETWEEN})[2-9]\d{2}${BETWEEN}\d{4}${EXTENSION}(?![A-Za-z0-9_]|[-.]\d)`,
    accept: acceptNanp,
    score: 0.85,
  },
  {
    kind: 'phone',
    pattern: rei`(?<=${TELEPHONE_WORDS})\(?\d{1,5}\)?(?:${BETWEEN}?\d){5,12}(?![a-z0-9_])`,
    accept: acceptNational,
    score: 0.7,
  },
];
