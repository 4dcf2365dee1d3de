import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOf, type Subject, waysToCut } from '../../test/masking/judge.ts';
import { mutantsOf } from '../../test/masking/mutants.ts';
import { createOracle, type Expected } from '../../test/masking/oracle.ts';
import { ENTITY_SAMPLES, FORM_SAMPLES, texts } from '../../test/masking/texts.ts';
import { BUILT_IN, DETECTORS, ENTITIES } from '../detect/entities.ts';
import { compileScanner } from '../detect/scanner.ts';
import { compileProgram } from '../detect/search.ts';
import type { Finding } from '../call.ts';
import { compileTextMasker } from './text-masker.ts';

/** More with SALLYPORT_MASKING_TEXTS=100000. */
const TEXTS = Number(process.env['SALLYPORT_MASKING_TEXTS'] ?? 4000);
const SEED = Number(process.env['SALLYPORT_MASKING_SEED'] ?? 4);
const KEY = new Uint8Array(32);

const ALL = ENTITIES.map(({ name }) => name);
/** Fewer detectors let through what another would have caught first. */
const CHOICES: readonly (readonly string[])[] = [
  ALL,
  ALL,
  ALL,
  ['email'],
  ['secret'],
  ['phone', 'credit_card', 'us_ssn'],
  ['secret.private_key', 'secret.jwt', 'url_credentials'],
  ['ipv4', 'ipv6', 'mac', 'iban'],
];

const subjects = CHOICES.map((entities) => {
  const masker = compileTextMasker([{ entities, with: 'replace' }], KEY);
  const detectors = BUILT_IN.chosen(entities);
  return { masker, program: compileProgram(detectors), oracle: createOracle(detectors) };
});
const [everything] = subjects;
if (everything === undefined) throw new Error('no choice of entities');

const inputs = fc.record({
  text: texts,
  choice: fc.nat(CHOICES.length - 1),
  random: fc.array(fc.array(fc.nat(5000), { minLength: 2, maxLength: 40 }), { minLength: 4, maxLength: 4 }),
});

interface Input {
  readonly text: string;
  readonly choice: number;
  readonly random: readonly (readonly number[])[];
}

/** Returns how many cases a text makes and the first fault among them. */
const judge = (
  subject: Subject,
  { text, random }: Input,
  expected: Expected,
): { cases: number; fault: string | null } => {
  const ways = waysToCut(text, random);
  for (const cuts of ways) {
    const fault = faultOf(subject, { text, cuts }, expected);
    if (fault !== null) return { cases: ways.length, fault: `${fault}: ${JSON.stringify({ text, cuts })}` };
  }
  return { cases: ways.length, fault: null };
};

describe('promise 4: streams mask exactly like whole texts', () => {
  it('for every generated text and way to cut it, and the whole is the definition', { timeout: 3_600_000 }, () => {
    const distinct = new Set<string>();
    let cases = 0;
    let findings = 0;
    fc.assert(
      fc.property(inputs, (input) => {
        const { masker, oracle } = subjects[input.choice] ?? everything;
        const expected = oracle(input.text);
        expect(masker.whole(input.text, () => {})).toBe(expected.output);
        const judged = judge((found) => masker.stream(found), input, expected);
        expect(judged.fault).toBeNull();
        if (distinct.has(input.text)) return;
        distinct.add(input.text);
        cases += judged.cases;
        findings += expected.findings.length;
      }),
      { numRuns: TEXTS, seed: SEED },
    );
    expect(distinct.size).toBeGreaterThan(TEXTS * 0.95);
    expect(cases).toBeGreaterThan(TEXTS * 60);
    expect(findings).toBeGreaterThan(TEXTS * 0.7);
  });

  describe('and the cases are sharp enough to catch a masker that', () => {
    const sample = fc.sample(inputs, { numRuns: 1000, seed: SEED });
    const expectations = sample.map(({ text }) => everything.oracle(text));

    for (const [wrong, mutant] of Object.entries(mutantsOf(everything))) {
      it(wrong, () => {
        const caught = sample.find((input, at) => {
          const expected = expectations[at];
          return expected !== undefined && judge(mutant, input, expected).fault !== null;
        });
        expect(caught).toBeDefined();
      });
    }
  });

  it('finds each of the sample entities, whole and unit by unit, and they are of every kind', () => {
    const kinds = new Set<string>();
    for (const sample of [...ENTITY_SAMPLES, ...FORM_SAMPLES]) {
      const text = `- ${sample} -`;
      const expected = everything.oracle(text);
      expect(expected.findings.length, sample).toBeGreaterThan(0);
      for (const { kind } of expected.findings) kinds.add(kind);
      expect(
        faultOf(
          (found) => everything.masker.stream(found),
          { text, cuts: Array.from(text, (_, at) => at).slice(1) },
          expected,
        ),
      ).toBeNull();
    }
    expect(new Set(DETECTORS.map(({ kind }) => kind)).difference(kinds)).toEqual(new Set());
  });
});

describe('JSON inside a text that is masked as it stands', () => {
  const entities = ['email', 'phone', 'credit_card', 'iban', 'us_ssn', 'secret'];
  const masker = compileTextMasker([{ entities, with: 'replace' }], Buffer.alloc(32));
  const SECRETS = [
    'alice@example.com',
    // split, so that scanners of source code do not take it for real
    ['ghp', '16C7e42F292c6912E7710c838347Ae178B4a'].join('_'),
    '4111 1111 1111 1111',
    '4111111111111111',
    '+4915112345678',
    '078-05-1120',
    'DE89370400440532013000',
  ];
  const AHEAD = ['\n', '\t', '\r', '"', '\\', '/', ' ', 'é', '：', '、', '\u2014', '🙂'];

  /** As programs write JSON that keep to ASCII. */
  const inAscii = (value: unknown): string =>
    JSON.stringify(value).replaceAll(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

  it.each(SECRETS)('stays JSON, without %s, whatever stands ahead of it', (secret) => {
    for (const ahead of AHEAD) {
      const text = inAscii({ text: `x${ahead}${secret}${ahead}y` });
      const masked = masker.whole(text, () => {});
      expect(masked).not.toContain(secret);
      const { text: inner }: { text: string } = JSON.parse(masked);
      expect(inner).toMatch(/<[A-Z_]+>/);
      expect(inner.startsWith(`x${ahead}`), masked).toBe(true);
    }
  });
});

describe('a mask that knows what a scanner with more detectors found', () => {
  const scanner = compileScanner(ALL);

  it('masks as one that does not', { timeout: 3_600_000 }, () => {
    let found = 0;
    fc.assert(
      fc.property(texts, fc.nat(CHOICES.length - 1), (text, choice) => {
        const { masker } = subjects[choice] ?? everything;
        const scanned = new Map([[text, scanner.scan(text)]]);
        const [told, toldKnowing]: Finding[][] = [[], []];
        const masked = masker.whole(text, (finding) => told?.push(finding));
        expect(masker.session({ scanned }).whole(text, (finding) => toldKnowing?.push(finding))).toBe(masked);
        expect(toldKnowing).toEqual(told);
        found += told?.length ?? 0;
      }),
      { numRuns: TEXTS / 2, seed: SEED },
    );
    expect(found).toBeGreaterThan(TEXTS / 4);
  });

  it('looks at nothing else again', () => {
    const { masker } = everything;
    const text = 'bob@example.com and ann@example.com';
    const second = { start: 20, end: text.length };
    expect(masker.session({ scanned: new Map([[text, [second]]]) }).whole(text, () => {})).toBe(
      'bob@example.com and <EMAIL>',
    );
  });
});
