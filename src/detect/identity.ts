/** Numbers by which a state knows a person. */

import { type Detector, phrases, re } from './detector.ts';
import { digitsOf } from './digits.ts';
import { BETWEEN, NUMBER_END, WORD_START } from './fragments.ts';

/** The same separator twice, whichever dash or space it is. */
const hasOneSeparator = (match: string): boolean => new Set(match.match(/%20|\D/g)).size === 1;

/** SSA: no area 000, 666 or 900 and up, no group 00, no serial 0000. */
const isIssuedSsn = (digits: string): boolean => /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digits);

const acceptSsn = (match: string): number =>
  hasOneSeparator(match) && isIssuedSsn(digitsOf(match)) ? match.length : 0;

const acceptBareSsn = (match: string): number => (isIssuedSsn(match) ? match.length : 0);

/** IRS: 9xx, and 50 to 65, 70 to 88, 90 to 92 or 94 to 99 in the middle. */
const acceptItin = (match: string): number =>
  hasOneSeparator(match) && /^9\d{2}(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\d{4}$/.test(digitsOf(match)) ? match.length : 0;

const GROUPS = String.raw`${BETWEEN}\d{2}${BETWEEN}\d{4}(?![A-Za-z0-9_]|[-.]\d)`;
const START = String.raw`${WORD_START}(?<!\d[-.])`;
const SSN_WORDS = phrases('ssn, social security, soc sec, seguro social, Sozialversicherung');

/** Detectors of this family, in priority order. */
export const IDENTITY: readonly Detector[] = [
  { kind: 'us_ssn', pattern: re`${START}[0-8]\d{2}${GROUPS}`, accept: acceptSsn, score: 0.9 },
  // Nine digits alone could be anything: only words ahead of them make them a number of this kind.
  {
    kind: 'us_ssn',
    pattern: re`${WORD_START}\d{9}${NUMBER_END}`,
    accept: acceptBareSsn,
    context: { words: SSN_WORDS, required: true },
    score: 0.7,
  },
  { kind: 'us_itin', pattern: re`${START}9\d{2}${GROUPS}`, accept: acceptItin, score: 0.9 },
];
