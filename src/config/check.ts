/** What checks between the parts of a config are made of. */

import type { Config } from '../config.ts';
import { nearest } from '../nearest.ts';
import { safeJson } from '../safe-text.ts';
import type { ConfigIssue } from './issues.ts';
import type { ConfigPath } from './yaml.ts';

/** The sections that are in order by themselves: a check sees them even while others are not. */
export type Sections = Partial<Config>;

/** Returns what does not hold. */
export type Check = (sections: Sections) => readonly ConfigIssue[];

export const issue = (path: ConfigPath, message: string): ConfigIssue => ({ path, message, atKey: false });

export const when = (wrong: boolean, path: ConfigPath, message: string): readonly ConfigIssue[] =>
  wrong ? [issue(path, message)] : [];

/** Returns an issue for every entry whose `key` an earlier entry has already. */
export const unique = <T>(
  entries: readonly T[],
  key: (entry: T) => string | undefined,
  path: (at: number) => ConfigPath,
): readonly ConfigIssue[] => {
  const seen = new Set<string>();
  return entries.flatMap((entry, at) => {
    const word = key(entry);
    if (word === undefined) return [];
    if (seen.has(word)) return [issue(path(at), `${safeJson(word)} is taken by an earlier entry`)];
    seen.add(word);
    return [];
  });
};

export const unknownService = (name: string, known: readonly string[], path: ConfigPath): readonly ConfigIssue[] => {
  if (known.includes(name)) return [];
  const meant = nearest(name, known);
  const hint = meant === null ? `there are ${known.join(', ')}` : `did you mean ${safeJson(meant)}?`;
  return [issue(path, `no service is named ${safeJson(name)}; ${hint}`)];
};

export const isKnown = (services: readonly { readonly name: string }[], wanted: string): boolean =>
  services.some(({ name }) => name === wanted);

/** A query, fragment or userinfo in a base URL would silently be lost or leaked. */
export const isBase = (text: string): boolean => {
  const { search, hash, username, password } = new URL(text);
  return [search, hash, username, password].every((part) => part === '');
};

export const BASE = 'expected a URL without user, query or fragment';

export const positive = (
  section: object | undefined,
  path: ConfigPath,
  keys: readonly string[],
): readonly ConfigIssue[] =>
  Object.entries(section ?? {}).flatMap(([key, value]) =>
    when(keys.includes(key) && value === 0, [...path, key], 'expected more than zero'),
  );
