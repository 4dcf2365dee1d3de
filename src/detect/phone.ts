/** Telephone numbers: candidates by shape, checked against the numbering plans of libphonenumber. */

import metadata from 'libphonenumber-js/min/metadata';
import { type Detector, phrases, re, rei } from './detector.ts';
import { countDigits, digitsOf } from './digits.ts';
import { ESCAPE, WORD_START } from './fragments.ts';

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
const dialled = (text: string): string => digitsOf(text.replace('(0)', '').replace(/^%2B/i, ''));

/** Yields the lengths of `match` to try: all of it, which is right most often, then without its last group, and so on. */
function* cuts(match: string): Generator<number, undefined> {
  yield match.length;
  yield* Array.from(match.matchAll(/[^\d()]\(?\d/g), ({ index }) => index).toReversed();
}

/** Accepts the longest number that is one: what follows may be another number. */
const acceptInternational = (match: string): number =>
  cuts(match).find((length) => isInternationalNumber(dialled(match.slice(0, length)).replace(/^00/, ''))) ?? 0;

const withoutExtension = (match: string): string => match.replace(/\s*(?:x|ext).*$/i, '');

/** Spaces alone make a table of numbers look like this; brackets, hyphens or dots make it a telephone number. */
const acceptNanp = (match: string): number => {
  const number = withoutExtension(match);
  // `252.227-7013` is a clause of a regulation: one sign between the groups, or an area in brackets.
  const signs = new Set(number.replace(/^1\D|^.*\)(?:%20|\D)?/g, '').match(/%20|\D/g));
  return /[^\d\s]/.test(number) && signs.size <= 1 && isNational(dialled(number).slice(-10), '1') ? match.length : 0;
};

const DATE = /^(?:(?:19|20)\d\d[-./ ]?[01]\d[-./ ]?[0-3]\d|[0-3]?\d[-./][01]?\d[-./](?:19|20)\d\d)/;

/** Groups with one sign between them, or a bracket and one. */
const GROUPED = /^\(?\d+(?:\)?[ \-./]?\(?\d+)*$/;

/** `2006-2012`, or several of them. */
const YEARS = /^(?:(?:19|20)\d\d[-/ ,.]*)+$/;

const isNumber = (text: string): boolean =>
  GROUPED.test(text) && !DATE.test(text) && !YEARS.test(text) && !/^(\d)\1*$/.test(digitsOf(text));

const acceptNational = (match: string): number =>
  DATE.test(match)
    ? 0
    : (cuts(match).find((length) => {
        const count = digitsOf(match.slice(0, length)).length;
        return count >= 6 && count <= 13 && isNumber(match.slice(0, length));
      }) ?? 0);

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

/** A national number of one of these plans, the 0 ahead. */
const acceptTrunk = (match: string): number => {
  const national = digitsOf(match).slice(1);
  return !DATE.test(match) && WITH_TRUNK.some((code) => isNational(national, code)) ? match.length : 0;
};

/** Where numbers have no 0 ahead, or keep it: behind a word that says telephone, their plan decides. */
const WITHOUT_TRUNK = ['1', '34', '39', '48', '351', '45', '420', '30', '36', '55', '52', '7', '86'];

const isSaid = (text: string): boolean => {
  if (countDigits(text) < 7) return false;
  const digits = digitsOf(text);
  if (digits.length < 7 || digits.length > 14 || !isNumber(text)) return false;
  return (
    WITHOUT_TRUNK.some((code) => isNational(digits, code)) || acceptTrunk(text) > 0 || isInternationalNumber(digits)
  );
};

const acceptSaid = (match: string): number =>
  DATE.test(match) ? 0 : (cuts(match).find((length) => isSaid(match.slice(0, length))) ?? 0);

const BETWEEN = String.raw`(?:[ \-.\/]|%20)`;
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
    pattern: re`${WORD_START}(?<!\d[-.,\/])(?:0[1-9](?: \d\d){4}|0[1-9](?:\.\d\d){4}|0[1-9](?:-\d\d){4}|\(0\d{1,4}\)(?:[ -]?\d){5,9}|0\d{2,4}\/ ?\d(?:[ -]?\d){3,8}|07\d{3} \d{6}|07\d{3} \d{3} \d{3}|02\d \d{4} \d{4}|0[15789]0-\d{4}-\d{4}|01[5-7]\d{1,2}[ -]\d{6,8})(?![A-Za-z0-9]|_[A-Za-z0-9]|[-.\/ ]\d)`,
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
