/** International bank account numbers (ISO 13616). */

import { mod97 } from './checks.ts';
import { type Detector, re } from './detector.ts';
import { compact, URL_SPACE } from './digits.ts';
import { BETWEEN_OR_DOT as BETWEEN, WORD_END, WORD_START } from './fragments.ts';

/** Length by country (ISO 13616, the IBAN registry), and those of countries that issue them without being in it. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FI FK FO GL NL SD',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU MN XK',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ OM SO TL',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'AO CV GW LY MZ PT ST',
    26: 'DZ IR IS TR',
    27: 'BI CF CG CM DJ FR GA GQ GR IT KM MC MG MR SM TD',
    28: 'AL AZ BF BJ BY CI CY DO GT HN HU LB MA ML NE NI PL SN SV TG',
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
const passesMod97 = (account: string): boolean => mod97(account.slice(4) + account.slice(0, 4)) === 1;

const PERCENT = 0x25;
const isLetterOrDigit = (unit: number): boolean =>
  (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a);

/** Returns how many units of `text` hold the first `count` letters and digits; -1 when there are fewer. */
const unitsWith = (text: string, count: number): number => {
  let seen = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === PERCENT && text.startsWith(URL_SPACE, at)) at += URL_SPACE.length - 1;
    else if (isLetterOrDigit(unit)) seen += 1;
    if (seen === count) return at + 1;
  }
  return -1;
};

/** Accepts as many letters and digits as the country's accounts have; the match may have run into the next words. */
const acceptIban = (match: string): number => {
  const length = IBAN_LENGTHS.get(match.slice(0, 2).toUpperCase());
  if (length === undefined) return 0;
  const end = unitsWith(match, length);
  if (end < 0 || isLetterOrDigit(match.charCodeAt(end))) return 0;
  return passesMod97(compact(match.slice(0, end))) ? end : 0;
};

/** Detectors of this family, in priority order. */
export const IBAN: readonly Detector[] = [
  {
    kind: 'iban',
    pattern: re`${WORD_START}[A-Za-z]{2}\d{2}(?:${BETWEEN}?[A-Za-z0-9]{4}){2,7}(?:${BETWEEN}?[A-Za-z0-9]{1,3})?${WORD_END}`,
    accept: acceptIban,
    score: 1,
  },
];
