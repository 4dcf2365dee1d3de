import { describe, expect, it } from 'vitest';
import { drawFrom, grow } from '../../test/masking/samples.ts';
import { DETECTORS } from './entities.ts';
import { probeOf } from './probe.ts';
import { digitsAhead, listLengths, LONGEST, MOST_DIGITS, runLengths, Runs } from './run-length.ts';
import { parsePattern } from './syntax.ts';
import { OTHER, symbolOf, symbolsIn } from './unit-set.ts';

const tree = (pattern: RegExp) => parsePattern(pattern);
/** Returns the lengths up to 12. */
const lengths = (pattern: RegExp): readonly number[] =>
  listLengths(runLengths(tree(pattern))).filter((length) => length <= 12);

const symbolAt = (text: string, at: number): number => (at < text.length ? symbolOf(text.charCodeAt(at)) : OTHER);

describe('how a match may begin', () => {
  it('is told by how many units of tokens stand there', () => {
    expect(lengths(/[a-z]{4}(?![A-Za-z0-9_+/-])/)).toEqual([4]);
    expect(lengths(/[a-z]{4}=[a-z]{2}/)).toEqual([4]);
    expect(lengths(/[a-z]{2,4} x/)).toEqual([2, 3, 4]);
    expect(lengths(/(?:ab|abcd|=)x?:/)).toEqual([0, 2, 3, 4, 5]);
    // What goes on behind a match is none of its business.
    expect(lengths(/[a-z]{10}/)).toEqual([10, 11, 12]);
    expect(lengths(/[a-z]{10}(?!-)/)).toEqual([10, 11, 12]);
    expect(lengths(/"[a-z]{10}/)).toEqual([0]);
    expect(listLengths(runLengths(tree(/[a-z]{200}:/)))).toEqual([LONGEST]);
    expect(listLengths(runLengths(tree(/[a-z]{1,2}:|=/)))).toEqual([0, 1, 2]);
  });

  it('is told by how many digits stand there, and what stands behind them', () => {
    const next = digitsAhead(tree(/\d{3}-?\d{2}(?![\dA-Z])/));
    expect(next.map((units) => units !== 0n)).toEqual(
      Array.from({ length: MOST_DIGITS + 1 }, (_, count) => count === 3 || count === 5),
    );
    expect(symbolsIn(next[3] ?? 0n)).toEqual([0x2d]);
    expect(symbolsIn(next[5] ?? 0n)).toContain(0x2d);
    expect(symbolsIn(next[5] ?? 0n)).not.toContain(0x41);
  });

  it('is never told of a place where a pattern matches', { timeout: 600_000 }, () => {
    let matches = 0;
    const wrong: unknown[] = [];
    DETECTORS.forEach(({ kind, pattern }, at) => {
      const draw = drawFrom(at);
      const parsed = tree(pattern);
      const runs = listLengths(runLengths(parsed));
      const digits = digitsAhead(parsed);
      const excludes = probeOf(parsed);
      const every = new RegExp(pattern.source, `${pattern.flags}g`);
      for (let count = 0; count < 12; count++) {
        const text = `${grow(parsed, draw)}${draw(2) === 0 ? '' : ` ${grow(parsed, draw)}`}`;
        for (const { index } of text.matchAll(every)) {
          matches += 1;
          const many = Runs.ofDigits(text).at(index);
          const next = symbolsIn(digits[many] ?? 0n);
          if (!runs.includes(Runs.ofTokens(text).at(index))) wrong.push({ kind, text, index });
          if (many === MOST_DIGITS ? next.length === 0 : !next.includes(symbolAt(text, index + many)))
            wrong.push({ kind, text, index, many });
          // Wherever the text is cut, the rest may still come.
          for (let end = index + 1; end <= text.length; end++)
            if (excludes?.(text.slice(0, end), index) === true) wrong.push({ kind, text, index, end });
        }
      }
    });
    expect(matches).toBeGreaterThan(3000);
    expect(wrong).toEqual([]);
  });

  it('is told by a unit far into it', () => {
    const excludes = probeOf(tree(/[A-Za-z0-9]{30}AZ[a-z]{2}/));
    const run = 'A'.repeat(30);
    expect(excludes?.(`${run}AZab`, 0)).toBe(false);
    expect(excludes?.(`${run}A`, 0)).toBe(false);
    expect(excludes?.(run, 0)).toBe(false);
    expect(excludes?.(`${run}AAab`, 0)).toBe(true);
    expect(excludes?.(`${run}aZab`, 0)).toBe(true);
    expect(probeOf(tree(/[A-Za-z0-9]{30,31}AZ/))).toBeNull();
    expect(probeOf(tree(/ghp_[A-Za-z0-9]{36}/))).toBeNull();
  });

  it('is asked of a text from left to right', () => {
    const text = `ab-1${'9'.repeat(30)} x`;
    const tokens = Runs.ofTokens(text);
    const digits = Runs.ofDigits(text);
    expect([0, 1, 4, 33, 34, 35, 36].map((at) => tokens.at(at))).toEqual([34, 33, 30, 1, 0, 1, 0]);
    expect([0, 3, 4, 20, 33, 34].map((at) => digits.at(at))).toEqual([0, 20, 20, 14, 1, 0]);
  });
});
