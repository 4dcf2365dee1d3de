/** Says in plain words what the schema found wrong. */

import { z } from 'zod';
import { configSchema } from '../config.ts';
import type { ConfigPath } from './yaml.ts';
import { nearest } from '../nearest.ts';
import { redactText } from '../redact.ts';
import { safeJson } from '../safe-text.ts';

type ZodIssue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One thing wrong, before it has a place. */
export interface ConfigIssue {
  readonly path: ConfigPath;
  readonly message: string;
  /** True when the key itself is wrong, not its value. */
  readonly atKey: boolean;
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

const MAX_SHOWN = 60;

/** Config values under these keys may be a secret that somebody wrote where a reference belongs: they are never shown. */
const SECRET_KEYS = new Set(['credential', 'bearer', 'value', 'key', 'env', 'file', 'postgres']);

const valueAt = (value: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>((here, step) => Object.getOwnPropertyDescriptor(Object(here), step)?.value, value);

const shorten = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);

/** Returns what was found at `path`, without what could be a secret. */
const show = (value: unknown, path: ConfigPath): string => {
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return safeJson(value);
  return path.some((step) => typeof step === 'string' && SECRET_KEYS.has(step))
    ? 'text'
    : safeJson(shorten(redactText(value)));
};

const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;

const amount = (issue: { readonly origin: string }, bound: string): string => {
  if (issue.origin === 'array') return `a list of ${bound} entries`;
  if (issue.origin === 'string') return `text of ${bound} characters`;
  return `a number of ${bound}`;
};

/** Our own messages in the schema begin so; they are taken over, zod's are not. */
const EXPECTED = 'expected ';

const withoutExpected = (issue: ZodIssue): string => issue.message.replace(EXPECTED, '');

const isAtRoot = (issue: ZodIssue): boolean => issue.path.length === 0 && issue.code !== 'unrecognized_keys';

/** Returns what each branch of a union says of the value as a whole. */
const branches = (issue: ZodIssue & { readonly code: 'invalid_union' }): readonly ZodIssue[] =>
  issue.errors.flatMap((branch) => branch.filter(isAtRoot));

/** Returns what the schema wants at the place of an issue, without the word "expected". */
const wanted = (issue: ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.startsWith(EXPECTED)) return withoutExpected(issue);
      return NOUNS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(choices(issue));
    case 'invalid_format':
      return issue.format === 'url' ? 'a URL' : withoutExpected(issue);
    case 'too_small':
      if (issue.minimum === 1 && issue.origin !== 'number') return 'something that is not empty';
      return amount(issue, `at least ${issue.minimum}`);
    case 'too_big':
      return amount(issue, `at most ${issue.maximum}`);
    case 'invalid_union':
      return issue.message.startsWith(EXPECTED) ? withoutExpected(issue) : oneOf(branches(issue).flatMap(choices));
    default:
      return withoutExpected(issue);
  }
};

/** Returns what a branch of a union offers, one by one. */
const choices = (issue: ZodIssue): readonly string[] =>
  issue.code === 'invalid_value' ? issue.values.map((value) => safeJson(value)) : [wanted(issue)];

/** Returns a hint when a mistyped word was probably meant to be one of the allowed ones. */
const meantValue = (issue: ZodIssue, value: unknown): string => {
  if (typeof value !== 'string') return '';
  const allowed = (issue.code === 'invalid_union' ? branches(issue) : [issue]).flatMap((one) =>
    one.code === 'invalid_value' ? one.values.filter((word) => typeof word === 'string') : [],
  );
  const meant = nearest(value, allowed);
  return meant === null ? '' : `; did you mean ${safeJson(meant)}?`;
};

/** A schema as JSON Schema: what is walked to find which keys are known at a place. */
const jsonSchema = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' });

const options = (schema: JsonSchema): readonly JsonSchema[] => [
  schema,
  ...(schema.anyOf ?? []).filter((option) => typeof option === 'object').flatMap(options),
];

const knownKeys = (whole: z.ZodType, path: ConfigPath): readonly string[] => {
  let here: readonly JsonSchema[] = options(jsonSchema(whole));
  for (const step of path) {
    here = here.flatMap((schema) => {
      const next = typeof step === 'number' ? schema.items : schema.properties?.[step];
      return typeof next === 'object' && !Array.isArray(next) ? options(next) : [];
    });
  }
  return here.flatMap((schema) => Object.keys(schema.properties ?? {}));
};

const unknownKey = (whole: z.ZodType, path: ConfigPath, key: string): ConfigIssue => {
  const known = knownKeys(whole, path);
  const meant = nearest(key, known);
  const hint = meant === null ? `known here are ${known.join(', ')}` : `did you mean ${safeJson(meant)}?`;
  return { path: [...path, key], message: `unknown key; ${hint}`, atKey: true };
};

const prefixed = (issue: ZodIssue, prefix: ConfigPath): ZodIssue => ({
  ...issue,
  path: [...prefix, ...issue.path],
});

/**
 * Returns what is wrong by the branch of a union that the value was meant for: the value has its type, and the least
 * is wrong with it. Null when no branch takes a value of this type.
 */
const meantBranch = (
  root: unknown,
  issue: ZodIssue,
  path: ConfigPath,
  whole: z.ZodType,
): readonly ConfigIssue[] | null => {
  if (issue.code !== 'invalid_union') return null;
  return issue.errors
    .filter((branch) => !branch.some(isAtRoot))
    .map((branch) =>
      explainIssues(
        root,
        branch.map((inner) => prefixed(inner, path)),
        whole,
      ),
    )
    .reduce<readonly ConfigIssue[] | null>((best, next) => (best && best.length <= next.length ? best : next), null);
};

const explain = (root: unknown, issue: ZodIssue, whole: z.ZodType): readonly ConfigIssue[] => {
  // Keys of YAML maps are text and indexes are numbers; zod's paths could hold symbols, this one never does.
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(whole, path, key));
  const meant = meantBranch(root, issue, path, whole);
  if (meant !== null) return meant;
  const value = valueAt(root, path);
  if (value === undefined) return [{ path, message: `missing, expected ${wanted(issue)}`, atKey: false }];
  const hint = meantValue(issue, value);
  return [{ path, message: `expected ${wanted(issue)}, found ${show(value, path)}${hint}`, atKey: false }];
};

/** A key that is missing because it was mistyped is told once, at the mistyped one. */
const withoutEchoes = (root: unknown, issues: readonly ConfigIssue[]): readonly ConfigIssue[] => {
  const meant = issues
    .filter(({ atKey }) => atKey)
    .map(({ path, message }) => ({ parent: path.slice(0, -1), message }));
  return issues.filter(({ path, atKey }) => {
    if (atKey || valueAt(root, path) !== undefined) return true;
    const key = safeJson(path.at(-1));
    return !meant.some(
      ({ parent, message }) =>
        parent.join('\0') === path.slice(0, -1).join('\0') && message.includes(`did you mean ${key}?`),
    );
  });
};

/**
 * Returns everything that the schema `whole` found wrong with `root`, one plain sentence each. Secrets are not repeated.
 */
export const explainIssues = (
  root: unknown,
  issues: readonly ZodIssue[],
  whole: z.ZodType = configSchema,
): readonly ConfigIssue[] =>
  withoutEchoes(
    root,
    issues.flatMap((issue) => explain(root, issue, whole)),
  );
