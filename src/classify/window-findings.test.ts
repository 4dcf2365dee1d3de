import { describe, expect, it } from 'vitest';
import type { Finding } from '../call.ts';
import { GrowingText } from './growing-text.ts';
import { WindowFindings } from './window-findings.ts';

const CARRY = 24;
const CONTEXT = 32;
/** What the classifier finds, where it sees all of it; stops and new lines are where windows are cut. */
const NAMES = ['J. R. R. Tolkien', 'Dr. No', 'Ann\nLee', 'Zoe'];

const occurrences = (text: string): readonly Finding[] =>
  NAMES.flatMap((name) => {
    const found: Finding[] = [];
    for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1))
      found.push({ kind: 'pii.person', start: at, end: at + name.length, score: 1 });
    return found;
  });

/** A small generator of numbers, the same in every run. */
const numbers = (seed: number) => (most: number) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return Math.floor((seed / 2 ** 31) * most);
};

/**
 * Says a text in these pieces, has its windows answered in some order, and checks whenever something is settled that all
 * that begins in it is known, whole. Returns how many windows there were.
 */
const say = (pieces: readonly string[], next: (most: number) => number, carry = CARRY): number => {
  const text = pieces.join('');
  const known = occurrences(text);
  const growing = new GrowingText({ characters: 40, context: CONTEXT, overlap: carry });
  const findings = new WindowFindings(carry);
  const unanswered: (() => void)[] = [];
  let [windows, length] = [0, 0];
  const check = (): void => {
    for (const { start, end } of known) {
      if (start >= findings.settled) continue;
      const covered = findings.found.some((each) => each.start <= start && each.end >= end);
      if (!covered) throw new Error(`settled to ${findings.settled}: ${start} to ${end} is not known`);
    }
  };
  const answer = (): void => {
    unanswered.splice(next(unanswered.length), 1)[0]?.();
    check();
  };
  const take = (cut: 'sentence' | 'anywhere'): void => {
    for (let window = growing.take(cut); window !== null; window = growing.take(cut)) {
      windows++;
      const settle = findings.begin(window);
      const { text: shown } = window;
      unanswered.push(() => settle(occurrences(shown)));
    }
  };
  for (const piece of pieces) {
    growing.grow(piece);
    length += piece.length;
    growing.decide(length, []);
    take(next(3) === 0 ? 'anywhere' : 'sentence');
    while (unanswered.length > next(4)) answer();
  }
  findings.over(length);
  check();
  take('anywhere');
  while (unanswered.length > 0) answer();
  expect(findings.settled).toBe(length);
  expect(findings.found.map(({ start, end }) => [start, end])).toEqual(
    known.map(({ start, end }) => [start, end]).toSorted(([a = 0], [b = 0]) => a - b),
  );
  return windows;
};

const TEXTS = [
  'It was Dr. No. He met J. R. R. Tolkien. They had tea! And Ann\nLee came, too. Zoe.',
  'J. R. R. Tolkien',
  'Nobody was here. Nobody at all, said the one who counts.',
  `${'a word and another '.repeat(6)}J. R. R. Tolkien ${'and more words '.repeat(5)}Dr. No`,
];

describe('what is found across windows', () => {
  it('is known whole before any of it may leave, for every place to cut, whatever the order of the answers', () => {
    let [cases, windows] = [0, 0];
    for (const text of TEXTS)
      for (let first = 1; first < text.length; first++)
        for (let second = first; second < text.length; second += 3) {
          const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
          windows += say(pieces, numbers(first * 1000 + second));
          cases++;
        }
    expect(cases).toBeGreaterThan(5_000);
    expect(windows).toBeGreaterThan(cases * 2);
  });

  it('is known whole when the text comes unit by unit', () => {
    for (const text of TEXTS) for (let seed = 1; seed < 20; seed++) say(text.split(''), numbers(seed));
  });

  it('is not without the carry: the test would see it', () => {
    expect(() => {
      for (const text of TEXTS) for (let seed = 1; seed < 20; seed++) say(text.split(''), numbers(seed), 0);
    }).toThrow('is not known');
  });

  it('that is longer than the carry is hidden from where it is known, and once', () => {
    const findings = new WindowFindings(4);
    findings.begin({ from: 0, start: 0, end: 20 })([{ kind: 'a.b', start: 2, end: 20, score: 1 }]);
    expect([findings.settled, findings.found]).toEqual([16, [{ kind: 'a.b', start: 2, end: 20, score: 1 }]]);
    findings.begin({ from: 0, start: 20, end: 30 })([{ kind: 'a.b', start: 2, end: 28, score: 1 }]);
    findings.over(30);
    expect(findings.found).toEqual([
      { kind: 'a.b', start: 2, end: 20, score: 1 },
      { kind: 'a.b', start: 20, end: 28, score: 1 },
    ]);
    expect(findings.settled).toBe(30);
  });

  it('may leave to the end as soon as the text is over', () => {
    const findings = new WindowFindings(8);
    findings.begin({ from: 0, start: 0, end: 10 })([]);
    expect(findings.settled).toBe(2);
    findings.over(10);
    expect(findings.settled).toBe(10);
  });
});
