/** Numbers by which a state knows a person. */

import { type Detector, re, rei } from './detector.ts';
import { HYPHENS, SPACES, WORD_START } from './fragments.ts';

/** The same separator twice, whichever dash or space it is. */
const hasOneSeparator = (match: string): boolean => match.charAt(3) === match.charAt(6);

/** SSA: no area 000, 666 or 900 and up, no group 00, no serial 0000. */
const isIssuedSsn = (digits: string): boolean => /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digits);

const acceptSsn = (match: string): number =>
  hasOneSeparator(match) && isIssuedSsn(match.replace(/\D/g, '')) ? match.length : 0;

const acceptBareSsn = (match: string): number => (isIssuedSsn(match) ? match.length : 0);

/** IRS: 9xx, and 50 to 65, 70 to 88, 90 to 92 or 94 to 99 in the middle. */
const acceptItin = (match: string): number =>
  hasOneSeparator(match) && /^9\d{2}(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\d{4}$/.test(match.replace(/\D/g, ''))
    ? match.length
    : 0;

const BETWEEN = `[${SPACES}${HYPHENS}]`;
const GROUPS = String.raw`${BETWEEN}\d{2}${BETWEEN}\d{4}(?![A-Za-z0-9_]|[-.]\d)`;
const START = String.raw`${WORD_START}(?<!\d[-.])`;
const SSN_WORDS = String.raw`(?:ssn|social security|soc sec)(?: number| no\.?| num| #)?(?: is)?[\s:=#"'(]{1,4}`;

/** Detectors of this family, in priority order. */
export const IDENTITY: readonly Detector[] = [
  { kind: 'us_ssn', pattern: re`${START}[0-8]\d{2}${GROUPS}`, accept: acceptSsn, score: 0.9 },
  // Nine digits alone could be anything: only words ahead of them make them a number of this kind.
  { kind: 'us_ssn', pattern: rei`(?<=${SSN_WORDS})\d{9}(?![a-z0-9_])`, accept: acceptBareSsn, score: 0.85 },
  { kind: 'us_itin', pattern: re`${START}9\d{2}${GROUPS}`, accept: acceptItin, score: 0.9 },
];
