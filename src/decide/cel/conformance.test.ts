/** The public CEL conformance cases (cel-spec, "simple tests"), as far as they use types that policies have. */

import { getConformanceSuite } from '@bufbuild/cel-spec/testdata/tests.js';
import { describe, expect, it } from 'vitest';
import { compile } from './compile.ts';
import { Fault } from './fault.ts';
import { Mistake } from './part.ts';
import { DYN, TypeValue } from './type.ts';
import { equals, kindOf } from './value.ts';

type Suite = ReturnType<typeof getConformanceSuite>;
type Case = Suite['tests'][number]['original'];
type SpecValue = Extract<Case['resultMatcher'], { case: 'value' }>['value'];

/** Types that no fact has: unsigned integers, bytes, protobuf messages. */
const OTHER_TYPES =
  /TestAllTypes|google\.protobuf|cel\.expr|proto[23]|GlobalEnum|\buint\b|bytes|\b[brBR]{0,2}[bB][rR]?['"]|\d[uU]\b/;

/** What the language leaves out on purpose (ADR 0009), by what is special about the case. */
const LEFT_OUT: readonly (readonly [string, (test: Case) => boolean])[] = [
  ['names with dots: no variable has one', ({ bindings }) => Object.keys(bindings).some((name) => name.includes('.'))],
  ['members in backticks: the grammar in use does not know them', ({ expr }) => expr.includes('.`')],
];

const NOT_OURS = Symbol('a value of a type that policies do not have');

const valueOf = ({ kind }: SpecValue): unknown => {
  switch (kind.case) {
    case 'int64Value':
    case 'doubleValue':
    case 'stringValue':
    case 'boolValue':
      return kind.value;
    case 'nullValue':
      return null;
    case 'typeValue':
      return new TypeValue(kind.value);
    case 'listValue':
      return whole(kind.value.values.map(valueOf));
    case 'mapValue': {
      const entries = kind.value.entries.map(
        ({ key, value }) => [key && valueOf(key), value && valueOf(value)] as const,
      );
      return whole(entries.flat()) === NOT_OURS ? NOT_OURS : new Map(entries);
    }
    default:
      return NOT_OURS;
  }
};

const whole = (items: readonly unknown[]): unknown => (items.includes(NOT_OURS) ? NOT_OURS : items);

/** What a case ends with: a value, Fault for an error when it runs, Mistake for one at load. */
const outcome = (test: Case): unknown => {
  const values = new Map(
    Object.entries(test.bindings).map(([name, { kind }]) => [
      name,
      kind.case === 'value' ? valueOf(kind.value) : NOT_OURS,
    ]),
  );
  const environment = new Map([...values.keys()].map((name) => [name, { type: DYN, get: () => values.get(name) }]));
  try {
    return compile(test.expr, { environment }).evaluate(null);
  } catch (error) {
    if (error instanceof Fault) return Fault;
    if (error instanceof Mistake) return Mistake;
    throw error;
  }
};

const expected = ({ resultMatcher }: Case): unknown => {
  if (resultMatcher.case === undefined) return true;
  if (resultMatcher.case === 'evalError') return Fault;
  return resultMatcher.case === 'value' ? valueOf(resultMatcher.value) : NOT_OURS;
};

const applies = (test: Case): boolean =>
  !OTHER_TYPES.test(test.expr) &&
  test.container === '' &&
  expected(test) !== NOT_OURS &&
  Object.values(test.bindings).every(({ kind }) => kind.case === 'value' && valueOf(kind.value) !== NOT_OURS) &&
  !LEFT_OUT.some(([, leftOut]) => leftOut(test));

const passes = (test: Case): boolean => {
  const found = outcome(test);
  const wanted = expected(test);
  // An error may come early. Cases without type checking may fail it, because there is no way around it here.
  if (found === Mistake) return wanted === Fault || test.disableCheck;
  return Object.is(found, wanted) || (kindOf(found) === kindOf(wanted) && equals(found, wanted));
};

const casesOf = ({ suites, tests }: Suite, path: string): readonly { readonly name: string; readonly test: Case }[] => [
  ...tests.map(({ name, original }) => ({ name: `${path}/${name}`, test: original })),
  ...suites.flatMap((suite) => casesOf(suite, `${path}/${suite.name}`)),
];

/** The files whose subject is part of the policy language, and how many cases of each apply: a filter gone wrong cannot pass for success. */
const COUNTS: Readonly<Record<string, number>> = {
  basic: 34,
  comparisons: 203,
  conversions: 75,
  fields: 29,
  fp_math: 30,
  integer_math: 42,
  lists: 32,
  logic: 30,
  macros: 44,
  parse: 128,
  plumbing: 5,
  string: 45,
  timestamps: 73,
};

describe('CEL conformance', () => {
  for (const suite of getConformanceSuite().suites.filter(({ name }) => Object.hasOwn(COUNTS, name))) {
    it(`gives the result of every case that applies in ${suite.name}`, () => {
      const cases = casesOf(suite, suite.name).filter(({ test }) => applies(test));
      const failed = cases.filter(({ test }) => !passes(test));
      expect(failed.map(({ name, test }) => `${name}: ${test.expr}`)).toEqual([]);
      expect(cases.length).toBe(COUNTS[suite.name]);
    });
  }
});
