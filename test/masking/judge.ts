/** Holds a masker of streams against the definition, over many ways to cut a text. */

import type { Finding } from '../../src/call.ts';
import type { TextStream } from '../../src/mask/text-masker.ts';
import type { Expected } from './oracle.ts';

/** What is judged: makes a stream that masks with `replace`. */
export type Subject = (found: (finding: Finding) => void) => TextStream;

/** A text cut at these positions, ascending. */
export interface Case {
  readonly text: string;
  readonly cuts: readonly number[];
}

/** What a stream may hold back. */
const MOST_HELD = 320;

/** Returns the ways to cut a text: not at all, everywhere, once at each position, and `random` ones. */
export const waysToCut = (text: string, random: readonly (readonly number[])[]): readonly (readonly number[])[] => {
  const everywhere = Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => at + 1);
  const ways = [[], everywhere, ...everywhere.map((at) => [at])];
  for (const fractions of random) {
    ways.push([...new Set(fractions.map((part) => part % Math.max(1, text.length)))].toSorted((a, b) => a - b));
  }
  return [...new Map(ways.map((way) => [way.join(), way])).values()];
};

const pieces = ({ text, cuts }: Case): readonly string[] =>
  [0, ...cuts].map((from, at) => text.slice(from, cuts[at] ?? text.length));

/** Values that stand in the text as findings only, so that none of them may be left. */
const hiddenValues = (text: string, { findings }: Expected): readonly string[] => {
  const values = findings.map(({ start, end }) => text.slice(start, end)).filter((value) => value.length >= 7);
  return values.filter((value) => text.split(value).length - 1 === values.filter((other) => other === value).length);
};

/** Returns what a subject does wrong with a case; null when nothing. */
export const faultOf = (subject: Subject, one: Case, expected: Expected): string | null => {
  const findings: Finding[] = [];
  const stream = subject((finding) => findings.push(finding));
  let output = '';
  for (const piece of pieces(one)) {
    const out = stream.push(piece);
    if (stream.held > MOST_HELD) return `holds ${stream.held}`;
    if (one.text.isWellFormed() && !out.isWellFormed()) return 'half a surrogate pair goes out';
    output += out;
  }
  output += stream.end();
  if (stream.held !== 0) return 'holds something after the end';
  if (output !== expected.output) return 'another text goes out';
  const spans = JSON.stringify(findings.map(({ kind, start, end }) => ({ kind, start, end })));
  if (spans !== JSON.stringify(expected.findings)) return 'other findings are told';
  return hiddenValues(one.text, expected).some((value) => output.includes(value)) ? 'an original goes out' : null;
};
