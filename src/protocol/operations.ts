/** Finding the operation that a method and a path name. */

import type { Operation } from './codec.ts';

/** One row of a protocol's operations. */
export interface Row {
  readonly name: string;
  readonly method: string;
  /** Path segments after the leading slash; `*` is one segment that names something, `**` one or more. */
  readonly path: string;
  readonly body: Operation['body'];
}

const matcher = (path: string): RegExp => {
  const segments = path.split('/').map((segment) => {
    if (segment === '**') return '.+';
    return segment === '*' ? '[^/]+' : segment.replaceAll('.', '\\.');
  });
  return new RegExp(`^${segments.join('/')}$`);
};

/**
 * Returns the lookup for a protocol's operations. Methods and paths compare exactly, percent-escapes undecoded: a path
 * that a server might read as an operation under another spelling is none.
 */
export const compileOperations = (rows: readonly Row[]): ((method: string, path: string) => Operation | null) => {
  const exact = new Map<string, Operation>();
  const patterns: { method: string; path: RegExp; operation: Operation }[] = [];
  for (const { name, method, path, body } of rows) {
    const operation: Operation = { name, body };
    if (path.includes('*')) patterns.push({ method, path: matcher(path), operation });
    else exact.set(`${method} ${path}`, operation);
  }
  return (method, path) =>
    exact.get(`${method} ${path}`) ??
    patterns.find((row) => row.method === method && row.path.test(path))?.operation ??
    null;
};
