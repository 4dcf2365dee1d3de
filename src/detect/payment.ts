/** Payment cards and bank accounts: numbers with a checksum. */

import { type Detector, re } from './detector.ts';
import { HYPHENS, NUMBER_END, SPACES, WORD_END, WORD_START } from './fragments.ts';

interface Issuer {
  readonly name: string;
  /** Leading digits: ranges, both ends included, of numbers of the same length. */
  readonly prefixes: readonly (readonly [number, number])[];
  readonly lengths: readonly number[];
}

const FROM_16_TO_19 = [16, 17, 18, 19];

/**
 * Issuer ranges (ISO/IEC 7812-1; the networks' published tables). Visa's 13 digits are gone since the 1990s and look
 * like an EAN barcode; Maestro's 12 to 15 were never seen in the wild and look like anything.
 */
const ISSUERS: readonly Issuer[] = [
  { name: 'visa', prefixes: [[4, 4]], lengths: [16, 19] },
  {
    name: 'mastercard',
    prefixes: [
      [51, 55],
      [2221, 2720],
    ],
    lengths: [16],
  },
  {
    name: 'amex',
    prefixes: [
      [34, 34],
      [37, 37],
    ],
    lengths: [15],
  },
  {
    name: 'diners',
    prefixes: [
      [300, 305],
      [3095, 3095],
      [36, 36],
      [38, 39],
    ],
    lengths: [14, 16],
  },
  {
    name: 'discover',
    prefixes: [
      [6011, 6011],
      [644, 649],
      [65, 65],
      [622126, 622925],
    ],
    lengths: FROM_16_TO_19,
  },
  { name: 'jcb', prefixes: [[3528, 3589]], lengths: FROM_16_TO_19 },
  {
    name: 'unionpay',
    prefixes: [
      [62, 62],
      [81, 81],
    ],
    lengths: FROM_16_TO_19,
  },
  { name: 'mir', prefixes: [[2200, 2204]], lengths: FROM_16_TO_19 },
  {
    name: 'rupay',
    prefixes: [
      [60, 60],
      [508, 508],
      [82, 82],
    ],
    lengths: [16],
  },
  {
    name: 'maestro',
    prefixes: [
      [5018, 5018],
      [5020, 5020],
      [5038, 5038],
      [5893, 5893],
      [6304, 6304],
      [6759, 6759],
      [6761, 6763],
    ],
    lengths: FROM_16_TO_19,
  },
];

const isIssued = (digits: string): boolean =>
  ISSUERS.some(
    ({ prefixes, lengths }) =>
      lengths.includes(digits.length) &&
      prefixes.some(([low, high]) => {
        const lead = Number(digits.slice(0, String(low).length));
        return lead >= low && lead <= high;
      }),
  );

/** Returns whether the digits pass the check of ISO/IEC 7812-1 annex B. */
const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 0x30;
    const doubled = digit * 2;
    sum += at % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

const isCard = (text: string): boolean => {
  const digits = text.replace(/\D/g, '');
  // In this order: the check is cheap, and nine of ten stray numbers fail it.
  return passesLuhn(digits) && isIssued(digits);
};

/** Accepts the whole, or all but a last group that is something else (`4111 1111 1111 1111 737`). */
const acceptCard = (match: string): number => {
  if (isCard(match)) return match.length;
  const shorter = match.replace(/\D\d+$/, '');
  return shorter !== match && isCard(shorter) ? shorter.length : 0;
};

/** Length by country (ISO 13616, IBAN registry). */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE BI',
    18: 'DK FI FK FO GL NL SD',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU MN XK',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ OM SO TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'LY PT ST',
    26: 'IS TR',
    27: 'BJ BF CF CG CI CM DJ DZ FR GR IT KM MC ML MR NE SM SN TD TG',
    28: 'AL AZ BY CV CY DO GT GW HN HU LB NI PL SV',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU YE',
    31: 'MT SC',
    32: 'LC',
    33: 'RU',
  }).flatMap(([length, countries]) =>
    countries.split(' ').map((country): [string, number] => [country, Number(length)]),
  ),
);

/** Returns whether the account number passes the check of ISO 7064 MOD 97-10, as ISO 13616 asks. */
const passesMod97 = (account: string): boolean => {
  let remainder = 0;
  for (const character of account.slice(4) + account.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
};

/** Returns how many units of `text` hold the first `count` letters and digits; -1 when there are fewer. */
const unitsWith = (text: string, count: number): number => {
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    if (/[A-Za-z0-9]/.test(text.charAt(at))) seen += 1;
    if (seen === count) return at + 1;
  }
  return -1;
};

/** Accepts as many letters and digits as the country's accounts have; the match may have run into the next words. */
const acceptIban = (match: string): number => {
  const length = IBAN_LENGTHS.get(match.slice(0, 2).toUpperCase());
  if (length === undefined) return 0;
  const end = unitsWith(match, length);
  if (end < 0 || /[A-Za-z0-9]/.test(match.charAt(end))) return 0;
  return passesMod97(match.slice(0, end).replace(/[^A-Za-z0-9]/g, '')) ? end : 0;
};

const BETWEEN = `[${SPACES}${HYPHENS}.]`;

/** Detectors of this family, in priority order. */
export const PAYMENT: readonly Detector[] = [
  {
    kind: 'iban',
    pattern: re`${WORD_START}[A-Za-z]{2}\d{2}(?:[${SPACES}${HYPHENS}]?[A-Za-z0-9]{4}){2,7}(?:[${SPACES}${HYPHENS}]?[A-Za-z0-9]{1,3})?${WORD_END}`,
    accept: acceptIban,
    score: 1,
  },
  {
    kind: 'credit_card',
    pattern: re`${WORD_START}(?<!\d[.,])(?:[2-68]\d{12,18}|[2-68]\d{3}(?:${BETWEEN}\d{4}){3}(?:${BETWEEN}?\d{1,3})?|3\d{3}${BETWEEN}\d{6}${BETWEEN}\d{4,5})${NUMBER_END}`,
    accept: acceptCard,
    score: 0.95,
  },
];
