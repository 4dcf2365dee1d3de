import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOracle } from '../../test/masking/oracle.ts';
import { compileDetector } from './compiled.ts';
import type { Detector } from './detector.ts';
import { DETECTORS } from './entities.ts';
import { catalogWith, type OwnDetector, ownDetector, OwnDetectorError } from './own.ts';
import { compileProgram, type Program } from './search.ts';
import { compileScanner } from './scanner.ts';
import { StreamScanner } from './stream-scanner.ts';

const DEFAULTS: OwnDetector = { name: 'own', ignore_case: false, except: [], score: 0.8, priority: 'first' };
const own = (entry: Partial<OwnDetector>): OwnDetector => ({ ...DEFAULTS, ...entry });

const found = (entry: Partial<OwnDetector>, text: string): readonly string[] => {
  const catalog = catalogWith([own(entry)]);
  const findings = compileScanner([entry.name ?? 'own'], catalog).scan(text);
  return findings.map(({ start, end }) => text.slice(start, end));
};

const refusal = (entry: Partial<OwnDetector>): string => {
  try {
    ownDetector(own(entry));
  } catch (error) {
    if (error instanceof OwnDetectorError) return `${error.key}: ${error.message}`;
    throw error;
  }
  return 'none';
};

describe('a detector of an operator', () => {
  it('finds what its pattern says', () => {
    expect(found({ pattern: String.raw`EMP-\d{6}` }, 'from EMP-123456 to EMP-1234567')).toEqual([
      'EMP-123456',
      'EMP-123456',
    ]);
    expect(found({ pattern: String.raw`\bEMP-\d{6}\b` }, 'XEMP-123456 EMP-1234567 EMP-765432.')).toEqual([
      'EMP-765432',
    ]);
    expect(found({ pattern: '(?i)project (apollo|zeus)' }, 'Project APOLLO, project hera')).toEqual(['Project APOLLO']);
    expect(found({ pattern: '(?<year>20[0-9]{2})/(?:a|b){1,3}' }, '2024/ab')).toEqual(['2024/ab']);
    expect(found({ pattern: String.raw`\bÄrzte\b` }, 'Ärzte, Zahnärzte, Ärztekammer')).toEqual(['Ärzte']);
    expect(found({ pattern: '[^ ]{2}😀' }, 'ab😀 😀😀😀')).toEqual(['ab😀', '😀😀😀']);
    expect(found({ pattern: String.raw`\bCustomer \w{3,10}@corp\.example` }, 'Customer bob@corp.example')).toHaveLength(
      1,
    );
  });

  it('reads in other scripts what it would in ASCII, and its own pattern as well', () => {
    expect(found({ pattern: String.raw`EMP-\d{3}` }, 'EMP–１２３')).toEqual(['EMP–１２３']);
    expect(found({ pattern: String.raw`EMP–[٠-٩]{3}` }, 'EMP-123')).toEqual(['EMP-123']);
  });

  it('goes on to the end of a last repeat that has none', () => {
    const text = `ticket ACC-${'7'.repeat(5000)}x.`;
    expect(found({ pattern: String.raw`\bACC-\d+` }, text)).toEqual([`ACC-${'7'.repeat(5000)}`]);
    expect(found({ pattern: String.raw`\bACC-\d+\b` }, text)).toEqual([`ACC-${'7'.repeat(5000)}`]);
    expect(found({ pattern: String.raw`key=\S{3,}` }, 'key=ab key=a😀b-c d')).toEqual(['key=a😀b-c']);
  });

  it('reads a repeat without an end elsewhere as far as it is told to', () => {
    const pattern = String.raw`\w+@corp`;
    expect(refusal({ pattern })).toContain(
      'pattern: expected a bound for a repeat that is not at the end, for example {1,64}',
    );
    expect(found({ pattern, max_repeat: 5 }, 'bob@corp')).toEqual(['bob@corp']);
  });

  it('finds words and phrases where they stand whole', () => {
    const words = ['Apollo', 'Project Zeus', 'Apollo 13', 'C++', '東京'];
    expect(found({ words }, 'Apollo 13, Apollo 1, Apollonia; Project\n  Zeus C++ C+ 東京都')).toEqual([
      'Apollo 13',
      'Apollo',
      'Project\n  Zeus',
      'C++',
      '東京',
    ]);
    expect(found({ words, ignore_case: true }, 'APOLLO apollo')).toEqual(['APOLLO', 'apollo']);
    expect(found({ words: Array.from({ length: 2000 }, (_, at) => `name${at}`) }, 'name77 name7x name1999')).toEqual([
      'name77',
      'name1999',
    ]);
  });

  it('asks for what its check, its exceptions and its words ahead say', () => {
    const pattern = String.raw`\b\d{4}-\d{4}\b`;
    expect(found({ pattern, check: 'luhn' }, '0000-0018 0000-0017')).toEqual(['0000-0018']);
    expect(found({ pattern, except: ['0000-0017'] }, '0000-0018 0000-0017')).toEqual(['0000-0018']);
    const context = { words: ['badge'], required: true };
    expect(found({ pattern, context }, 'badge 0000-0018')).toEqual(['0000-0018']);
    expect(found({ pattern, context }, 'other 0000-0018')).toEqual([]);
  });

  it('goes ahead of what is built in, or behind it', () => {
    const pattern = String.raw`[a-z]{3}@example\.com`;
    const kinds = (priority: 'first' | 'last') =>
      compileScanner(['own', 'email'], catalogWith([own({ pattern, priority })]))
        .scan('to bob@example.com')
        .map(({ kind }) => kind);
    expect(kinds('first')).toEqual(['own']);
    expect(kinds('last')).toEqual(['email']);
  });

  it.each([
    [{}, 'pattern: expected either a pattern or words'],
    [{ pattern: 'a', words: ['a'] }, 'words: expected either a pattern or words'],
    [{ pattern: 'a*' }, 'pattern: a match may be empty'],
    [{ pattern: '(?=a)b' }, 'pattern: lookaround is not read; `context` asks for words ahead, at character 1'],
    [{ pattern: String.raw`(a)\1` }, 'pattern: references to groups are not read, at character 4'],
    [{ pattern: '^a' }, 'pattern: ^ is not read: a text goes on ahead of'],
    [{ pattern: 'a+?b' }, 'pattern: lazy and possessive repeats are not read'],
    [{ pattern: '[a' }, 'pattern: a class has no end, at character 1'],
    [{ pattern: 'a)' }, 'pattern: there is no group that ) ends, at character 2'],
    [{ pattern: String.raw`\p{L}` }, String.raw`pattern: \p is not read, at character 1`],
    [{ pattern: 'b{3,2}' }, 'pattern: expected counts in order, found 3 ahead of 2'],
    [{ pattern: 'a{1,200}b{1,200}' }, 'pattern: a match looks at 400 units, more than 320'],
    [{ pattern: '(a?){2,30}b' }, 'pattern: what may be empty cannot be repeated'],
    [{ pattern: '[ab]{0,40}a[ab]{0,40}b[abc]{0,40}a[ab]{30}' }, 'pattern: it is too ambiguous'],
    [{ pattern: String.raw`a\d+`, check: 'luhn' as const }, 'check: expected a pattern with a bound'],
    [{ pattern: String.raw`a\d+`, except: ['a1'] }, 'except: expected a pattern with a bound'],
    [{ pattern: 'a', context: { words: ['7'], required: true } }, 'context: a context has a phrase without a word'],
  ])('refuses %j', (entry, why) => {
    expect(refusal(entry)).toContain(why);
  });
});

// What operators write: every form that is read, in small so that patterns meet and overlap.
const atom = fc.constantFrom(
  'a',
  'b',
  '1',
  '-',
  '[ab]',
  '[^a]',
  String.raw`\d`,
  String.raw`\w`,
  '.',
  'é',
  '(?:ab|a|b-)',
  '(1|1a)',
);
const counted = fc
  .tuple(atom, fc.constantFrom('', '', '?', '{2}', '{0,2}', '{1,3}'))
  .map(([one, count]) => one + count);
const body = fc.array(counted, { minLength: 1, maxLength: 4 }).map((items) => items.join(''));
const bounded = fc
  .tuple(
    fc.constantFrom('', '', String.raw`\b`),
    body,
    fc.constantFrom('', '', String.raw`|b1a`, String.raw`a\b`, String.raw`-\b`),
  )
  .map((parts) => parts.join(''));
const endless = fc.constantFrom('', '', '', 'a+', String.raw`\d*`, '[^b]{2,}', String.raw`\w+\b`);
const text = fc
  .array(fc.constantFrom('a', 'b', '1', '-', 'a', 'b', '1', '-', 'é', ' ', '😀'), { minLength: 1, maxLength: 10 })
  .map((units) => units.join(''));

const attempt = (entry: Partial<OwnDetector>): Detector | null => {
  try {
    return ownDetector(own(entry));
  } catch {
    return null;
  }
};

const detector = fc
  .record({
    pattern: fc.tuple(bounded, endless).map(([start, end]) => start + end),
    ignore_case: fc.boolean(),
    except: fc.constantFrom<readonly string[]>([], [], ['ab', '1-']),
  })
  .map((entry) => attempt(entry) ?? attempt({ ...entry, except: [] }))
  .filter((made) => made !== null);

const streamed = (program: Program, pieces: readonly string[]): string => {
  let output = '';
  const scanner = new StreamScanner(program, {
    plain: (plain) => void (output += plain),
    begin: ({ kind }) => void (output += `<${kind.toUpperCase()}>`),
    piece() {},
    end() {},
  });
  for (const piece of pieces) scanner.push(piece);
  scanner.end();
  return output;
};

const cuts = (whole: string): readonly (readonly string[])[] => {
  const ways: string[][] = [whole.split('')];
  for (let one = 1; one < whole.length; one++) {
    for (let two = one; two < whole.length; two++)
      ways.push([whole.slice(0, one), whole.slice(one, two), whole.slice(two)]);
  }
  return ways;
};

describe('patterns of operators', () => {
  it('match what the same expression of the language matches', { timeout: 600_000 }, () => {
    let matches = 0;
    fc.assert(
      fc.property(bounded, fc.array(text, { minLength: 6, maxLength: 6 }), (pattern, all) => {
        const made = attempt({ pattern });
        if (made === null) return;
        const { matchEnd } = compileDetector(made);
        const length = (one: string, at: number): number => Math.max(0, matchEnd(one, at) - at);
        // The reading of its own: characters instead of halves, and a `\b` that knows letters beyond ASCII.
        const word = String.raw`[\w\u00c0-\u024f]`;
        const edge = `(?:(?<!${word})(?=${word})|(?<=${word})(?!${word}))`;
        const yardstick = new RegExp(pattern.replaceAll(String.raw`\b`, edge), 'uy');
        for (const one of all) {
          for (let at = 0; at < one.length; at++) {
            // In the middle of a character there is no place for a match of the language's.
            if (/[\udc00-\udfff]/.test(one.charAt(at))) continue;
            yardstick.lastIndex = at;
            const expected = yardstick.exec(one)?.[0].length ?? 0;
            if (expected > 0) matches += 1;
            if (length(one, at) !== expected)
              throw new Error(JSON.stringify({ pattern, one, at, expected, found: length(one, at) }));
          }
        }
      }),
      { numRuns: 300, seed: 11 },
    );
    expect(matches).toBeGreaterThan(1000);
  });

  it('leak nothing of a match at any cut, beside what is built in and beside one another', { timeout: 600_000 }, () => {
    const some = DETECTORS.filter(({ kind }) => ['email', 'us_ssn', 'secret.github'].includes(kind));
    let cases = 0;
    let findings = 0;
    fc.assert(
      fc.property(
        fc.array(detector, { minLength: 1, maxLength: 3 }),
        fc.array(text, { minLength: 4, maxLength: 4 }),
        (mine, all) => {
          const detectors = [...mine, ...some];
          const program = compileProgram(detectors);
          const oracle = createOracle(detectors);
          for (const one of all) {
            const expected = oracle(one);
            findings += expected.findings.length;
            for (const pieces of cuts(one)) {
              cases += 1;
              const actual = streamed(program, pieces);
              if (actual !== expected.output)
                throw new Error(
                  JSON.stringify({ pieces, actual, expected, patterns: mine.map((d) => String(d.pattern)) }),
                );
            }
          }
        },
      ),
      { numRuns: 150, seed: 12 },
    );
    expect(cases).toBeGreaterThan(10_000);
    expect(findings).toBeGreaterThan(150);
  });
});
