/** Payment cards (ISO/IEC 7812-1). */

import { passesLuhn, passesLuhnIn } from './checks.ts';
import { type Detector, phrases, re } from './detector.ts';
import { URL_SPACE } from './digits.ts';
import { BETWEEN_OR_DOT as BETWEEN, NUMBER_END, WORD_START } from './fragments.ts';

interface Issuer {
  readonly name: string;
  /** Leading digits: ranges, both ends included, of numbers of the same length. */
  readonly prefixes: readonly (readonly [number, number])[];
  readonly lengths: readonly number[];
}

const FROM_16_TO_19 = [16, 17, 18, 19];

/**
 * Issuer ranges (ISO/IEC 7812-1; the networks' published tables). Visa's 13 digits are gone since the 1990s and look
 * like an EAN barcode, Maestro's 12 to 15 look like anything: those need a word.
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

/** The digits of the match in question: most matches are looked at and forgotten, and none has more. */
const digits = new Uint8Array(24);

/** Returns whether the first `count` digits are a card's. In this order: nine of ten stray numbers fail the check. */
const isCard = (count: number): boolean => passesLuhnIn(digits, count) && isIssued(digits.subarray(0, count).join(''));

/** Accepts the whole, or all but a last group that is something else (`4111 1111 1111 1111 737`). */
const acceptCard = (match: string): number => {
  let count = 0;
  let ahead = 0;
  let end = 0;
  for (let at = 0; at < match.length; at++) {
    const digit = match.charCodeAt(at) - 0x30;
    if (digit >= 0 && digit <= 9) {
      digits[count++] = digit;
      continue;
    }
    ahead = count;
    end = at;
    if (match.startsWith(URL_SPACE, at)) at += URL_SPACE.length - 1;
  }
  if (isCard(count)) return match.length;
  return end > 0 && isCard(ahead) ? end : 0;
};

/** What says that a card's number follows. */
const SAID = phrases(
  'credit card, debit card, payment card, bank card, card number, card no, cardnumber, visa, mastercard, maestro, amex, jcb, diners',
  'Kreditkarte, Kartennummer, Bankkarte, carte bancaire, carte bleue, carte de crédit, numéro de carte',
  'tarjeta, carta di credito, numero di carta, cartão, creditcard, kaartnummer, pinpas, karta kredytowa, numer karty',
  '信用卡, 卡号, カード番号, 카드 번호',
);

/** Behind such a word: any number that banks, travel and fuel issue (ISO/IEC 7812-1, 3 to 6), with its check digit. */
const acceptSaid = (match: string): number => (passesLuhn(match) && !/^(\d)\1*$/.test(match) ? match.length : 0);

/** Detectors of this family, in priority order. */
export const CARD: readonly Detector[] = [
  {
    kind: 'credit_card',
    pattern: re`${WORD_START}(?<!\d\.)(?:[2-68]\d{12,18}|[2-68]\d{3}(?:${BETWEEN}\d{4}){3}(?:${BETWEEN}?\d{1,3})?|3\d{3}${BETWEEN}(?:\d{6}${BETWEEN}\d{4,5}|\d{4}${BETWEEN}\d{4}${BETWEEN}\d{2,3}))${NUMBER_END}`,
    accept: acceptCard,
    score: 0.95,
  },
  {
    kind: 'credit_card',
    pattern: re`${WORD_START}(?<!\d[.\-])[3-6]\d{11,18}(?![A-Za-z0-9]|_[A-Za-z0-9]|[.\-]\d)`,
    accept: acceptSaid,
    context: { words: SAID, required: true },
    score: 0.8,
  },
];
