/**
 * The definition of masking a whole text, written down as slowly and plainly as it is said: from left to right, at each
 * position the detectors in priority order, a match of the pattern that begins there, then `accept`; at a finding the
 * mask and on from its end, else one unit out and on. It reads the detectors' data and shares no code with what it judges.
 */

import type { Detector } from '../../src/detect/detector.ts';

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

/** Returns what masking `text` with the operator `replace` must yield. */
export const createOracle = (detectors: readonly Detector[]): ((text: string) => Expected) => {
  const sticky = detectors.map((detector) => ({
    detector,
    pattern: new RegExp(detector.pattern.source, `${detector.pattern.flags}y`),
  }));
  return (text) => {
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
        const end = swallowed(detector, text, at + length);
        findings.push({ kind: detector.kind, start: at, end });
        output += `<${detector.kind.replace(/\..*/, '').toUpperCase()}>`;
        at = end;
        continue scan;
      }
      output += text.charAt(at);
      at += 1;
    }
    return { output, findings };
  };
};
