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

if (metadata.version !== 4) throw new Error(`libphonenumber-js metadata has version ${metadata.version}, expected 4`);

/** Reads the general pattern of national numbers where metadata version 4 has it. */
const readPlan = (plan: readonly unknown[] | undefined): readonly RegExp[] => {
  const [, , pattern] = plan ?? [];
  return typeof pattern === 'string' ? [new RegExp(`^(?:${pattern})$`)] : [];
};

const plans = new Map<string, readonly RegExp[]>();

/** Returns what the national numbers behind a calling code look like; nothing when nobody has the code. */
const plansOf = (callingCode: string): readonly RegExp[] => {
  const known = plans.get(callingCode);
  if (known !== undefined) return known;
  // Both are declared with closed sets of keys; a code outside them is what we ask about.
  const byCode = metadata.country_calling_codes as Readonly<Record<string, readonly string[] | undefined>>;
  const countries = metadata.countries as Readonly<Record<string, readonly unknown[] | undefined>>;
  const found = byCode[callingCode]?.map((country) => countries[country]) ?? [metadata.nonGeographic[callingCode]];
  const made = found.flatMap(readPlan);
  plans.set(callingCode, made);
  return made;
};

const isNational = (digits: string, callingCode: string): boolean =>
  plansOf(callingCode).some((pattern) => pattern.test(digits));

/** Returns whether `digits`, calling code first, are a number that some plan allows (ITU-T E.164). */
export const isInternationalNumber = (digits: string): boolean => {
  for (let length = 1; length <= 3; length++) {
    const callingCode = digits.slice(0, length);
    // Calling codes are prefix-free: there is no second one to try.
    if (plansOf(callingCode).length > 0) return isNational(digits.slice(length), callingCode);
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

/** Spaces alone make a table of numbers look like this; brackets, hyphens or dots make it a telephone number. */
const acceptNanp = (match: string): number => {
  const number = match.replace(/\s*(?:x|ext).*$/i, '');
  return /[^\d\s]/.test(number) && isNational(digitsOf(number).slice(-10), '1') ? match.length : 0;
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
