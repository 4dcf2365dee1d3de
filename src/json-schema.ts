/**
 * JSON Schema (2020-12) of what tools are given: compiled when the config is read, and never slow, whatever is checked.
 * No schema is fetched, patterns run in linear time, and what would be compared with everything else is bounded.
 */

import { isIP } from 'node:net';
import { RE2JS } from '@bufbuild/re2';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';

/** A schema as it stands in the config. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Returns null for a value that fits, else where in the schema it does not: `#/properties/city/type`. */
export type SchemaCheck = (value: unknown) => string | null;

/** Thrown for a schema that cannot be used. */
export class SchemaError extends Error {}

/** `uniqueItems` compares each item with every other. */
const MOST_UNIQUE = 256;

/** RE2 finds a pattern in time that grows with the text alone; what it cannot do (lookaround, backreferences) is refused. */
class LinearPattern {
  private readonly pattern: RE2JS;
  private readonly source: string;

  constructor(source: string) {
    this.pattern = RE2JS.compile(source);
    this.source = source;
  }

  /** Ajv takes two patterns for one where this is the same. */
  toString(): string {
    return this.source;
  }

  test(text: string): boolean {
    return this.pattern.test(text);
  }
}

const linear = Object.assign((pattern: string) => new LinearPattern(pattern), { code: 'linear' });

/** Bounded or anchored, so that none of them backtracks. */
const FORMATS = {
  date: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
  'date-time': /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:?\d\d)$/,
  time: /^\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:[Zz]|[+-]\d\d:?\d\d)?$/,
  email: /^[^\s@]{1,64}@[^\s@]{1,255}$/,
  uuid: /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i,
  uri: (text: string) => URL.canParse(text),
  ipv4: (text: string) => isIP(text) === 4,
  ipv6: (text: string) => isIP(text) === 6,
} as const;

/** Members of a schema whose value is no schema. */
const VALUES: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples']);

/** Throws SchemaError where a check could take longer than what it checks. */
const checkCost = (schema: unknown, at: string): void => {
  if (typeof schema !== 'object' || schema === null) return;
  const members = new Map<string, unknown>(Object.entries(schema));
  const most = members.get('maxItems');
  if (members.get('uniqueItems') === true && !(typeof most === 'number' && most <= MOST_UNIQUE))
    throw new SchemaError(`${at}: expected maxItems of at most ${MOST_UNIQUE} beside uniqueItems`);
  for (const [name, inner] of members) if (!VALUES.has(name)) checkCost(inner, `${at}/${name}`);
};

/** One value of each type (RFC 8259 §3). */
const PROBES: readonly unknown[] = [{}, [], '', 0, true, null];

const compileChecked = (schema: JsonSchema): ((value: unknown) => readonly ErrorObject[]) => {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    // a property may be of several types, and null is one in many schemas
    allowUnionTypes: true,
    allErrors: false,
    code: { regExp: linear },
    formats: FORMATS,
    // nothing is filled in or made to fit: what is checked is what the tool is given
    useDefaults: false,
    coerceTypes: false,
  });
  const validate = ajv.compile(schema);
  // a schema that refers to itself without going down a level never ends, whatever is checked
  for (const probe of PROBES) validate(probe);
  return (value) => (validate(value) ? [] : (validate.errors ?? []));
};

/**
 * Returns the check for a schema. Throws SchemaError for one that is none, names a keyword or a format that is not known,
 * refers outside of itself or to itself without an end, or has a pattern that cannot run in linear time.
 */
export const compileSchema = (schema: JsonSchema): SchemaCheck => {
  checkCost(schema, '#');
  let check: (value: unknown) => readonly ErrorObject[];
  try {
    check = compileChecked(schema);
  } catch (error) {
    if (error instanceof RangeError) throw new SchemaError('refers to itself without an end');
    throw new SchemaError(error instanceof Error ? error.message : 'cannot be compiled');
  }
  return (value) => {
    const [first, ...more] = check(value);
    // of alternatives, what is said last is about all of them
    return first === undefined ? null : (more.at(-1) ?? first).schemaPath;
  };
};
