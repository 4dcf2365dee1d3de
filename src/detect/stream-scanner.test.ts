import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOracle } from '../../test/masking/oracle.ts';
import { compileDetector } from './compiled.ts';
import type { Detector, Swallow } from './detector.ts';
import { compileProgram, type Program } from './search.ts';
import { StreamScanner } from './stream-scanner.ts';

const RUNS = Number(process.env['SALLYPORT_MASKING_PATTERNS'] ?? 1500);

// A small alphabet makes small patterns meet, overlap and contradict one another all the time.
const atom = fc.constantFrom('a', 'b', '1', '-', '[ab]', '[^a]', String.raw`\d`, String.raw`[\w]`, '[1-]', 'é');
const counted = fc
  .tuple(atom, fc.constantFrom('', '', '?', '{2}', '{0,2}', '{1,3}', '{2,5}'))
  .map(([one, count]) => one + count);
const sequence = fc.array(counted, { minLength: 1, maxLength: 4 }).map((items) => items.join(''));
const group = fc
  .tuple(fc.array(sequence, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', '?', '{1,2}'))
  .map(([options, count]) => `(?:${options.join('|')})${count}`);
const head = fc.constantFrom(
  '',
  '',
  '(?<!a)',
  '(?<=b|1-)',
  '(?<![ab-])',
  '(?:(?<![ab])|(?<=-[ab]))',
  '(?<!a|b-)',
  '(?<=a{1,3}-?)',
);
const tail = fc.constantFrom('', '', '(?!a)', '(?![b1])', '(?!1|-a)', '(?=b)', '(?=-|a1)', '(?![^-]{2,3}1)');
const body = fc.array(fc.oneof({ weight: 3, arbitrary: counted }, { weight: 1, arbitrary: group }), {
  minLength: 1,
  maxLength: 4,
});
const pattern = fc.tuple(head, body, tail).map(([before, items, after]) => before + items.join('') + after);

const ACCEPTS: readonly (Detector['accept'] | undefined)[] = [
  undefined,
  undefined,
  (match) => (match.length % 2 === 0 ? match.length : 0),
  (match) => match.lastIndexOf('b') + 1,
  (match) => (match.includes('1') ? match.length : 0),
];
const SWALLOWS: readonly (Swallow | undefined)[] = [
  undefined,
  undefined,
  undefined,
  { while: 'a1' },
  { while: '^b' },
  { until: /-b/ },
  { until: /a-?1{1,2}-/ },
  { until: /a[b-]{0,3}1|b-/ },
];

const isDerivable = (detector: Detector): boolean => {
  try {
    compileDetector(detector);
    return true;
  } catch {
    return false;
  }
};

const detector = fc
  .record({
    source: pattern,
    accept: fc.constantFrom(...ACCEPTS),
    swallow: fc.constantFrom(...SWALLOWS),
    isLinear: fc.boolean(),
  })
  .map(
    ({ source, accept, swallow, isLinear }): Detector => ({
      kind: 'x',
      pattern: new RegExp(source),
      score: 1,
      ...(isLinear ? { isLinear } : {}),
      ...(accept === undefined ? {} : { accept }),
      ...(swallow === undefined ? {} : { swallow }),
    }),
  )
  .filter(isDerivable);

const text = fc
  .array(fc.constantFrom('a', 'b', '1', '-', 'a', 'b', '1', '-', 'é', ' '), { minLength: 1, maxLength: 12 })
  .map((units) => units.join(''));

const streamed = (program: Program, pieces: readonly string[]): { output: string; spans: string; held: number } => {
  let output = '';
  let held = 0;
  const spans: string[] = [];
  const scanner = new StreamScanner(program, {
    plain: (plain) => void (output += plain),
    begin: ({ kind }) => void (output += `<${kind.toUpperCase()}>`),
    piece: () => {},
    end: ({ start, end }) => void spans.push(`${start}-${end}`),
  });
  for (const piece of pieces) {
    scanner.push(piece);
    held = Math.max(held, scanner.held);
  }
  scanner.end();
  return { output, spans: spans.join(), held };
};

/** All ways to cut a text in up to three pieces, and into single units. */
const cuts = (whole: string): readonly (readonly string[])[] => {
  const ways: string[][] = [[whole], whole.split('')];
  for (let one = 1; one < whole.length; one++) {
    for (let two = one; two < whole.length; two++)
      ways.push([whole.slice(0, one), whole.slice(one, two), whole.slice(two)]);
  }
  return ways;
};

describe('the scan of a stream', () => {
  it('agrees with the definition for detectors that nobody has written yet', { timeout: 3_600_000 }, () => {
    let cases = 0;
    let findings = 0;
    fc.assert(
      fc.property(
        fc.array(detector, { minLength: 1, maxLength: 3 }),
        fc.array(text, { minLength: 8, maxLength: 8 }),
        (detectors, all) => {
          const program = compileProgram(detectors);
          const oracle = createOracle(detectors);
          const most = Math.max(...program.detectors.map(({ reach }) => reach), 8);
          for (const one of all) {
            const expected = oracle(one);
            const spans = expected.findings.map(({ start, end }) => `${start}-${end}`).join();
            findings += expected.findings.length;
            for (const pieces of cuts(one)) {
              const actual = streamed(program, pieces);
              cases += 1;
              if (actual.output !== expected.output || actual.spans !== spans || actual.held > most) {
                throw new Error(
                  JSON.stringify({ pieces, actual, expected, patterns: detectors.map((d) => String(d.pattern)) }),
                );
              }
            }
          }
        },
      ),
      { numRuns: RUNS, seed: 7 },
    );
    expect(cases).toBeGreaterThan(RUNS * 100);
    expect(findings).toBeGreaterThan(RUNS * 2);
  });

  it('gives no detector a bit that hides another when there are more than 32', () => {
    const many = Array.from(
      { length: 40 },
      (_, at): Detector => ({
        kind: `k${at}`,
        pattern: new RegExp(`${String.fromCharCode(0x61 + (at % 26))}${at}#`),
        score: 1,
      }),
    );
    const whole = many
      .map((one) => one.pattern.source)
      .toReversed()
      .join(' ');
    const { output, spans } = streamed(compileProgram(many), whole.split(''));
    expect(output).toBe(createOracle(many)(whole).output);
    expect(spans.split(',')).toHaveLength(40);
  });

  it('waits for a terminator that may yet begin ahead of one that is complete', () => {
    const program = compileProgram([{ kind: 'x', pattern: /a/, swallow: { until: /a[b-]{0,3}1|b-/ }, score: 1 }]);
    expect(streamed(program, ['aab-', '1z']).output).toBe('<X>z');
    expect(streamed(program, ['aab-', 'az']).output).toBe('<X><X>');
  });

  it('holds half a surrogate pair until its other half or the end comes', () => {
    const out: string[] = [];
    const scanner = new StreamScanner(compileProgram([]), {
      plain: (plain) => void out.push(plain),
      begin() {},
      piece() {},
      end() {},
    });
    scanner.push('a\ud83d');
    expect(scanner.held).toBe(1);
    scanner.push('\ude00b\ud83d');
    scanner.end();
    expect(out).toEqual(['a', '😀b', '\ud83d']);
  });

  it('tells where findings stand in the whole text, however long ago it began', () => {
    const spans: string[] = [];
    const scanner = new StreamScanner(compileProgram([{ kind: 'x', pattern: /aa/, score: 1 }]), {
      plain() {},
      begin() {},
      piece() {},
      end: ({ start, end }) => void spans.push(`${start}-${end}`),
    });
    for (let at = 0; at < 1000; at++) scanner.push('b');
    scanner.push('a');
    scanner.push('ab');
    scanner.end();
    expect(spans).toEqual(['1000-1002']);
  });
});
