/** Finding the operation that a method and a path name. */

import type { Operation } from './codec.ts';

/** One row of a protocol's operations. */
export interface Row {
  readonly name: string;
  readonly method: string;
  /**
   * Path segments after the leading slash. `*` is one segment that names something, `**` one or more; `{model}` is one
   * segment, or the rest of one, whose decoded text is the operation's name of that name, `{model**}` one or more.
   */
  readonly path: string;
  readonly body: Operation['body'];
  readonly management?: true;
}

const NAME = /\{(\w+)(\*\*)?\}/g;

const literal = (text: string): string => text.replaceAll(/[.$+()]/g, '\\$&');

const segmentPattern = (segment: string): string => {
  if (segment === '**') return '.+';
  if (segment === '*') return '[^/]+';
  let pattern = '';
  let from = 0;
  for (const { 0: whole, 1: name, 2: many, index } of segment.matchAll(NAME)) {
    pattern += `${literal(segment.slice(from, index))}(?<${name}>${many === undefined ? '[^/]+' : '.+'})`;
    from = index + whole.length;
  }
  return pattern + literal(segment.slice(from));
};

const matcher = (path: string): RegExp => new RegExp(`^${path.split('/').map(segmentPattern).join('/')}$`);

/** Returns the names decoded, null when one of them is no text. */
const decoded = (groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null => {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)]));
  } catch {
    return null;
  }
};

const operationOf = ({ name, body, management }: Row): Operation => ({
  name,
  body,
  ...(management === undefined ? {} : { management }),
});

/**
 * Returns the lookup for a protocol's operations. Methods and paths compare exactly, percent-escapes undecoded: a path
 * that a server might read as an operation under another spelling is none.
 */
export const compileOperations = (rows: readonly Row[]): ((method: string, path: string) => Operation | null) => {
  const exact = new Map<string, Operation>();
  const patterns: { method: string; path: RegExp; operation: Operation }[] = [];
  for (const row of rows) {
    const { method, path } = row;
    if (/[*{]/.test(path)) patterns.push({ method, path: matcher(path), operation: operationOf(row) });
    else exact.set(`${method} ${path}`, operationOf(row));
  }
  const named = (method: string, path: string): Operation | null => {
    for (const row of patterns) {
      const match = row.method === method ? row.path.exec(path) : null;
      if (match === null) continue;
      if (match.groups === undefined) return row.operation;
      const names = decoded(match.groups);
      return names === null ? null : { ...row.operation, names };
    }
    return null;
  };
  return (method, path) => exact.get(`${method} ${path}`) ?? named(method, path);
};
