/** Telephone numbers: candidates by shape, checked against the numbering plans of libphonenumber. */

import metadata from 'libphonenumber-js/min/metadata';
import { type Detector, phrases, re, rei } from './detector.ts';
import { digitsOf } from './digits.ts';
import { ESCAPE, WORD_START } from './fragments.ts';

/*
 * The plans are read straight from the library's metadata: its parser takes 6 to 12 µs a candidate, which would let a
 * text full of numbers stop a data thread, and this takes well under one. A test holds the two against one another.
 * The `min` build has each country's general pattern; the finer ones of `max` know which ranges are in use today, and a
 * range opened tomorrow must not leak.
 */

if (metadata.version !== 4) throw new Error(`libphonenumber-js metadata has version ${metadata.version}, expected 4`);

/** Reads the general pattern of national numbers where metadata version 4 has it. */
const readPlan = (plan: readonly unknown[] | undefined): readonly string[] => {
  const [, , pattern] = plan ?? [];
  return typeof pattern === 'string' ? [pattern] : [];
};

const readPlans = (callingCode: string): readonly string[] => {
  // Both are declared with closed sets of keys; a code outside them is what we ask about.
  const byCode = metadata.country_calling_codes as Readonly<Record<string, readonly string[] | undefined>>;
  const countries = metadata.countries as Readonly<Record<string, readonly unknown[] | undefined>>;
  const found = byCode[callingCode]?.map((country) => countries[country]) ?? [metadata.nonGeographic[callingCode]];
  return found.flatMap(readPlan);
};

/** Returns one expression for some plans: trying them one by one takes several times as long. */
const anyOf = (patterns: readonly string[]): RegExp => new RegExp(`^(?:${patterns.join('|')})$`);

const plans = new Map<string, RegExp | null>();

/** Returns what the national numbers behind a calling code look like; null when nobody has the code. */
const planOf = (callingCode: string): RegExp | null => {
  const known = plans.get(callingCode);
  if (known !== undefined) return known;
  const patterns = readPlans(callingCode);
  const made = patterns.length === 0 ? null : anyOf(patterns);
  plans.set(callingCode, made);
  return made;
};

/** Returns the calling code that `digits` begin with; null when nobody has one of them. They are prefix-free. */
const callingCodeOf = (digits: string): string | null => {
  for (let length = 1; length <= 3; length++)
    if (planOf(digits.slice(0, length)) !== null) return digits.slice(0, length);
  return null;
};

/** Returns whether `digits`, calling code first, are a number that some plan allows (ITU-T E.164). */
export const isInternationalNumber = (digits: string): boolean => {
  const callingCode = callingCodeOf(digits);
  return callingCode !== null && planOf(callingCode)?.test(digits.slice(callingCode.length)) === true;
};

/** `+44 (0)20 …`: the trunk prefix in brackets is not dialled from abroad. */
const dialled = (text: string): string => digitsOf(text.replace('(0)', '').replace(/^%2B/i, ''));

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39;
const OPENING = 0x28;
const CLOSING = 0x29;

/** Yields the lengths of `match` to try: all of it, which is right most often, then without its last group, and so on. */
function* cuts(match: string): Generator<number, undefined> {
  yield match.length;
  for (let at = match.length - 2; at >= 0; at--) {
    const unit = match.charCodeAt(at);
    if (isDigit(unit) || unit === OPENING || unit === CLOSING) continue;
    const next = match.charCodeAt(at + 1);
    if (isDigit(next) || (next === OPENING && isDigit(match.charCodeAt(at + 2)))) yield at;
  }
}

/** Accepts the longest number that is one: what follows may be another number. */
const acceptInternational = (match: string): number => {
  const number = dialled(match).replace(/^00/, '');
  const callingCode = callingCodeOf(number) ?? '';
  const plan = planOf(callingCode);
  if (plan === null) return 0;
  let count = number.length;
  let end = match.length;
  for (const length of cuts(match)) {
    count -= dialled(match.slice(length, end)).length;
    end = length;
    if (plan.test(number.slice(callingCode.length, count))) return length;
  }
  return 0;
};

const withoutExtension = (match: string): string => match.replace(/\s*(?:x|ext).*$/i, '');

const NANP = planOf('1');

/** Spaces alone make a table of numbers look like this; brackets, hyphens or dots make it a telephone number. */
const acceptNanp = (match: string): number => {
  const number = withoutExtension(match);
  // `252.227-7013` is a clause of a regulation: one sign between the groups, or an area in brackets.
  const signs = new Set(number.replace(/^1\D|^.*\)(?:%20|\D)?/g, '').match(/%20|\D/g));
  return /[^\d\s]/.test(number) && signs.size <= 1 && NANP?.test(dialled(number).slice(-10)) === true
    ? match.length
    : 0;
};

const DATE = /^(?:(?:19|20)\d\d[-./ ]?[01]\d[-./ ]?[0-3]\d|[0-3]?\d[-./][01]?\d[-./](?:19|20)\d\d)/;

/** Groups with one sign between them, or a bracket and one. */
const GROUPED = /^\(?\d+(?:\)?[ \-./]?\(?\d+)*$/;

/** `2006-2012`, or several of them. */
const YEARS = /^(?:(?:19|20)\d\d[-/ ,.]*)+$/;

/** Returns whether a text that does not begin with a date may be a telephone number. */
const isNumber = (text: string): boolean => GROUPED.test(text) && !YEARS.test(text);

/** Returns how many digits a text begins with that are all the same, whatever stands between them. */
const sameDigits = (digits: string): number => {
  let count = 1;
  while (count < digits.length && digits.charCodeAt(count) === digits.charCodeAt(0)) count += 1;
  return count;
};

/**
 * Returns the longest of `cuts` that `is` a number of between `least` and `most` digits; 0 when none is. Nothing that begins
 * with a date is one, nor one digit again and again. `is` is told the digits, which are taken out once.
 */
const longestNumber = (
  match: string,
  least: number,
  most: number,
  is: (digits: string, length: number) => boolean,
): number => {
  const digits = digitsOf(match);
  const fewest = Math.max(least, sameDigits(digits) + 1);
  if (digits.length < fewest || DATE.test(match)) return 0;
  let count = digits.length;
  let end = match.length;
  for (const length of cuts(match)) {
    if (length < end) count -= digitsOf(match.slice(length, end)).length;
    end = length;
    if (count < fewest) return 0;
    if (count <= most && is(digits.slice(0, count), length)) return length;
  }
  return 0;
};

const acceptNational = (match: string): number =>
  longestNumber(match, 6, 13, (_, length) => isNumber(match.slice(0, length)));

/** The countries whose national form begins with a 0 that is not dialled from abroad. */
const WITH_TRUNK = [
  '44',
  '49',
  '33',
  '31',
  '32',
  '41',
  '43',
  '46',
  '47',
  '61',
  '64',
  '27',
  '353',
  '358',
  '90',
  '91',
  '81',
  '82',
];

const WITH_TRUNK_PLANS = anyOf(WITH_TRUNK.flatMap(readPlans));

/** A national number of one of these plans, the 0 ahead. */
const acceptTrunk = (match: string): number =>
  !DATE.test(match) && WITH_TRUNK_PLANS.test(digitsOf(match).slice(1)) ? match.length : 0;

/** Where numbers have no 0 ahead, or keep it: behind a word that says telephone, their plan decides. */
const WITHOUT_TRUNK = anyOf(
  ['1', '34', '39', '48', '351', '45', '420', '30', '36', '55', '52', '7', '86'].flatMap(readPlans),
);

const isPlanned = (digits: string): boolean =>
  WITHOUT_TRUNK.test(digits) || WITH_TRUNK_PLANS.test(digits.slice(1)) || isInternationalNumber(digits);

const acceptSaid = (match: string): number =>
  longestNumber(match, 7, 14, (digits, length) => isPlanned(digits) && isNumber(match.slice(0, length)));

const BETWEEN = String.raw`(?:[ \-.\/]|%20)`;
/** Bytes in hex are pairs as well, and so are the parts of a path. */
const NOT_IN_DUMP = String.raw`(?<![^A-Za-z0-9](?:\d[0-9A-Fa-f]|[A-Fa-f]\d) {1,2}|[0-9A-Fa-f]{2} {1,2}[A-Fa-f]{2} {1,2}|[A-Za-z0-9]\/)`;
const EXTENSION = String.raw`(?: ?(?:x|ext\.?) ?\d{1,6})?`;
const NOUNS = String.raw`(?:phone|tel[eé]fono?|tel[eé]phone|telefone|tel|mobile?|m[oó]vil|handy|portable|cell|cellulare|celular|fax|whatsapp|rufnummer|telefoon|telefon)`;
const TELEPHONE_WORDS = String.raw`${NOUNS}(?:[ _-]?(?:number|numero|número|nummer|nr\.?|no\.?|n°|#))?(?: is| ist| est| es)?[\s:=.#"'\\]{1,6}`;

/** What says that a telephone number follows, somewhere behind it. */
const SAID = phrases(
  'phone, telephone, tel, mobile, cell, cellphone, fax, whatsapp, WhatsApp, call me, call us, sms, hotline',
  'Telefon, Telefonnummer, Handy, Handynummer, Mobilnummer, Mobil, Rufnummer, Rückruf, erreichbar unter',
  'téléphone, portable, appelez, numéro de téléphone, joindre',
  'teléfono, móvil, celular, llámame, llame',
  'telefono, cellulare, chiamami, recapito',
  'telefone, telemóvel, ligue, contato',
  'telefoon, telefoonnummer, mobiel, bel',
  'telefonu, komórka, komórkowy, zadzwoń, numer telefonu',
  '电话, 手机, 電話, 携帯, 전화, 휴대폰',
);

/** Detectors of this family, in priority order. */
export const PHONE: readonly Detector[] = [
  {
    kind: 'phone',
    pattern: re`(?:(?<![A-Za-z0-9_+])|(?<=_)(?<![A-Za-z0-9_]_)|(?<=${ESCAPE}))(?:\+|%2[Bb]|00[1-9]\d{0,2}${BETWEEN}|\(\+|\(00)${BETWEEN}?\(?\d{1,3}\)?(?:${BETWEEN}?\(\d{1,4}\))?(?:${BETWEEN}?\d){5,14}(?!\d)`,
    accept: acceptInternational,
    score: 0.9,
  },
  {
    kind: 'phone',
    pattern: re`${WORD_START}(?<!\d[-.])(?:1${BETWEEN})?(?:\([2-9]\d{2}\)${BETWEEN}?|[2-9]\d{2}${BETWEEN})[2-9]\d{2}${BETWEEN}\d{4}${EXTENSION}(?![A-Za-z0-9]|_[A-Za-z0-9]|[-.]\d)`,
    accept: acceptNanp,
    score: 0.85,
  },
  {
    kind: 'phone',
    // Pairs (France), mobiles (Japan, Korea), or an area code and the rest, with the punctuation that other numbers
    // do not have.
    pattern: re`${WORD_START}(?<!\d[-.,\/])${NOT_IN_DUMP}(?:0[1-9](?: \d\d){4}|0[1-9](?:\.\d\d){4}|0[1-9](?:-\d\d){4}|\(0\d{1,4}\)(?:[ -]?\d){5,9}|0\d{2,4}\/ ?\d(?:[ -]?\d){3,8}|07\d{3} \d{6}|07\d{3} \d{3} \d{3}|02\d \d{4} \d{4}|0[15789]0-\d{4}-\d{4}|01[5-7]\d{1,2}[ -]\d{6,8})(?![A-Za-z0-9]|_[A-Za-z0-9]|[-.\/ ]\d| [A-Fa-f]\d| {2}[0-9A-Fa-f]{2} )`,
    accept: acceptTrunk,
    score: 0.75,
  },
  {
    kind: 'phone',
    pattern: rei`(?<=${TELEPHONE_WORDS})\(?\d[ \-.\/()\d]{4,20}\d(?![a-z0-9_])`,
    accept: acceptNational,
    score: 0.7,
  },
  {
    kind: 'phone',
    pattern: re`${WORD_START}(?<!\d[-.,\/])\(?\d[ \-.\/()\d]{5,20}\d(?![A-Za-z0-9]|_[A-Za-z0-9]|[-.\/]\d)`,
    accept: acceptSaid,
    context: { words: SAID, required: true },
    score: 0.6,
  },
];
