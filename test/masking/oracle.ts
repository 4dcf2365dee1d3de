/**
 * The definition of masking a whole text, written down as slowly and plainly as it is said: from left to right, at each
 * position the detectors in priority order, a match of the pattern that begins there, then `accept`, then the words
 * ahead where the detector asks for some; at a finding the mask and on from its end, else one unit out and on. It reads the detectors' data and shares no code with what it judges.
 */

import type { Context, Detector } from '../../src/detect/detector.ts';

interface OracleFinding {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

export interface Expected {
  readonly output: string;
  readonly findings: readonly OracleFinding[];
}

const swallowed = ({ swallow }: Detector, text: string, from: number): number => {
  if (swallow === undefined) return from;
  if ('while' in swallow) {
    let end = from;
    while (end < text.length && new RegExp(`[${swallow.while}]`).test(text.charAt(end))) end += 1;
    return end;
  }
  const terminator = new RegExp(swallow.until.source, `${swallow.until.flags}y`);
  for (let at = from; at < text.length; at++) {
    terminator.lastIndex = at;
    const match = terminator.exec(text);
    if (match !== null) return at + match[0].length;
  }
  return text.length;
};

const WIDE: Readonly<Record<string, string>> = {
  '0': '٠۰०',
  '1': '١۱१',
  '2': '٢۲२',
  '3': '٣۳३',
  '4': '٤۴४',
  '5': '٥۵५',
  '6': '٦۶६',
  '7': '٧۷७',
  '8': '٨۸८',
  '9': '٩۹९',
  ' ': '\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000',
  '-': '‐‑‒–—―−',
  "'": '‘’‚‛',
  '"': '“”„‟',
};

/** What stands for the same: ASCII for other scripts' digits, spaces, hyphens and full-width forms. */
const read = (text: string): string =>
  text
    .split('')
    .map((unit) => {
      const code = unit.charCodeAt(0);
      if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xff01 + 0x21);
      return Object.entries(WIDE).find(([, others]) => others.includes(unit))?.[0] ?? unit;
    })
    .join('');

const WORD =
  /[\u3040-\u9fff\uac00-\ud7a3]|[A-Z]*[a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\ua000-\uabff\ud7a4-\uffff]+|[A-Z]+/g;

/** Words with spaces around: case ends one, a character of a script without spaces is one, accents are nothing. */
const phrase = (text: string): string =>
  ` ${(text.match(WORD) ?? [])
    .join(' ')
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')} `;

/** A number of four digits or more that is no year: what stands ahead of it speaks of it. */
const OTHER_NUMBER = /(?<!\d)(?!(?:19|20)\d\d(?!\d))\d{4,}(?!\d)/g;

/** What is left of the text when what speaks of an earlier number is taken away: a word of four letters ends a list. */
const topic = (left: string): string => {
  for (const { index, 0: number } of [...left.matchAll(OTHER_NUMBER)].toReversed()) {
    const after = left.slice(index + number.length);
    const words = phrase(after).trim().split(' ');
    if (words.some((word) => word.length >= 4 && word !== 'oder')) return after;
  }
  return left;
};

const isSaid = ({ words, and }: Context, left: string): boolean =>
  words.some((one) =>
    [phrase(one), ` ${phrase(one).replaceAll(' ', '')} `].some((form) => phrase(left).includes(form)),
  ) &&
  (and === undefined || isSaid(and, left));

/** Returns what masking `text` with the operator `replace` must yield. */
export const createOracle = (detectors: readonly Detector[]): ((text: string) => Expected) => {
  const sticky = detectors.map((detector) => ({
    detector,
    pattern: new RegExp(detector.pattern.source, `${detector.pattern.flags}y`),
  }));
  return (original) => {
    const text = read(original);
    const findings: OracleFinding[] = [];
    let output = '';
    let at = 0;
    scan: while (at < text.length) {
      for (const { detector, pattern } of sticky) {
        pattern.lastIndex = at;
        const match = pattern.exec(text);
        if (match === null) continue;
        const length = detector.accept === undefined ? match[0].length : detector.accept(match[0]);
        if (length === 0) continue;
        const { context } = detector;
        if (context?.required === true && !isSaid(context, topic(text.slice(Math.max(0, at - 64), at)))) continue;
        const end = swallowed(detector, text, at + length);
        findings.push({ kind: detector.kind, start: at, end });
        output += `<${detector.kind.replace(/\..*/, '').toUpperCase()}>`;
        at = end;
        continue scan;
      }
      output += original.charAt(at);
      at += 1;
    }
    return { output, findings };
  };
};
