import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createOracle } from '../../test/masking/oracle.ts';
import { drawFrom, sampleOf } from '../../test/masking/samples.ts';
import { DETECTORS, ENTITIES } from './entities.ts';
import { NAMED_SECRETS } from './named-secrets.ts';
import { compileScanner } from './scanner.ts';
import { TOKEN_FORMS } from './token-forms.ts';

const CASES: Readonly<Record<string, readonly string[]>> = z
  .record(z.string(), z.array(z.string()))
  .parse(parse(readFileSync(new URL('../../test/cases/detectors.yaml', import.meta.url), 'utf8')));

/** Reads `⟦kind|text⟧`: the text without marks, and the findings that they announce. */
const read = (marked: string): { text: string; findings: { kind: string; start: number; end: number }[] } => {
  const findings: { kind: string; start: number; end: number }[] = [];
  let text = '';
  for (const [, plain = '', kind, value = ''] of marked.matchAll(/([^⟦]*)(?:⟦([a-z0-9_.]+)\|([^⟧]*)⟧)?/g)) {
    text += plain;
    if (kind !== undefined) findings.push({ kind, start: text.length, end: text.length + value.length });
    text += value;
  }
  return { text, findings };
};

const scanner = compileScanner(ENTITIES.map(({ name }) => name));
const oracle = createOracle(DETECTORS);
const scores = (text: string): readonly number[] => scanner.scan(text).map(({ score }) => score);
const spans = (findings: readonly { kind: string; start: number; end: number }[]): unknown =>
  findings.map(({ kind, start, end }) => ({ kind, start, end }));

describe('detectors', () => {
  for (const [entity, cases] of Object.entries(CASES)) {
    describe(entity, () => {
      for (const marked of cases) {
        const { text, findings } = read(marked);
        it(findings.length > 0 ? `finds ${marked}` : `finds nothing in ${marked}`, () => {
          expect(spans(scanner.scan(text))).toEqual(findings);
          expect(spans(oracle(text).findings)).toEqual(findings);
        });
      }
    });
  }

  it('have a case for every kind', () => {
    const seen = new Set(
      Object.values(CASES).flatMap((cases) => cases.flatMap((one) => read(one).findings.map(({ kind }) => kind))),
    );
    // A form is data in one line; that each is found is shown below.
    const forms = new Set([...TOKEN_FORMS, ...NAMED_SECRETS]);
    const kinds = DETECTORS.filter((detector) => !forms.has(detector)).map(({ kind }) => kind);
    expect([...new Set(kinds)].filter((kind) => !seen.has(kind))).toEqual([]);
  });

  it('find a token of each form, and no token that stands in for one', () => {
    for (const detector of [...TOKEN_FORMS, ...NAMED_SECRETS]) {
      const text = `- ${sampleOf(detector, drawFrom(5)) ?? ''} -`;
      expect(
        scanner.scan(text).map(({ kind }) => kind),
        text,
      ).toContain(detector.kind);
      expect(spans(scanner.scan(text))).toEqual(spans(oracle(text).findings));
    }
    for (const stand of ['x', '*', '0']) {
      const text = `sk-or-v1-${stand.repeat(64)} ghp_${stand.repeat(36)} glpat-${stand.repeat(20)} npm_${stand.repeat(36)}`;
      expect(scanner.scan(text)).toEqual([]);
    }
  });

  it('know at least 150 kinds of secrets', () => {
    expect(ENTITIES.find(({ name }) => name === 'secret')?.kinds.length).toBeGreaterThan(150);
  });

  it('find nothing in the sources of this gateway but what they are about', () => {
    const around = [
      '../call.ts',
      '../reasons.ts',
      '../config.ts',
      './sweep.ts',
      './search.ts',
      './shape.ts',
      './syntax.ts',
    ];
    for (const file of around) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8');
      expect(
        scanner.scan(text).map(({ start, end }) => text.slice(start, end)),
        file,
      ).toEqual([]);
    }
  });
});

describe('a scanner', () => {
  it('finds only what was chosen: an entity, or one kind of it', () => {
    const text = 'bob@example.com ghp_abcdefghijklmnopqrstuvwxyz0123456789 npm_abcdefghijklmnopqrstuvwxyz0123456789';
    expect(
      compileScanner(['email'])
        .scan(text)
        .map(({ kind }) => kind),
    ).toEqual(['email']);
    expect(
      compileScanner(['secret.npm'])
        .scan(text)
        .map(({ kind }) => kind),
    ).toEqual(['secret.npm']);
    expect(
      compileScanner(['secret'])
        .scan(text)
        .map(({ kind }) => kind),
    ).toEqual(['secret.github', 'secret.npm']);
    expect(compileScanner([]).scan(text)).toEqual([]);
  });

  it('names the nearest entity for one that it does not know', () => {
    expect(() => compileScanner(['emial'])).toThrow('no entity is named emial; did you mean email?');
    expect(() => compileScanner(['secret.githib'])).toThrow('did you mean secret.github?');
    expect(() => compileScanner(['quasar'])).toThrow(/^no entity is named quasar$/);
  });

  it('is surer of a GitHub token whose checksum is right', () => {
    expect(scores('ghp_abcdefghijklmnopqrstuvwxyz0123456789')).toEqual([0.9]);
    expect(scores('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')).toEqual([1]);
  });

  it('sees an entity at every place around the edges of the chunks that it copies', () => {
    const card = '4111111111111111';
    for (let at = 4096 - 40; at < 4096 + 4; at++) {
      const text = `${'x '.repeat(5000).slice(0, at)} ${card} ${'y '.repeat(3000)}`;
      expect(spans(scanner.scan(text))).toEqual([{ kind: 'credit_card', start: at + 1, end: at + 17 }]);
    }
  });

  it('reads text beyond ASCII like any other, copied or not', () => {
    for (const length of [10, 500, 9000]) {
      const text = `${'日本Ł語 \ud83d'.repeat(length)} bob@example.com Łbob@example.com`;
      expect(spans(scanner.scan(text))).toEqual(spans(oracle(text).findings));
    }
  });
});
