/** What is wrong with policies, told so that it can be mended: the rule, the place, the excerpt. */

import { Mistake } from './cel/part.ts';

/** One mistake in a policy. */
export interface PolicyProblem {
  /** Where in the config: `['policies', 2, 'when']`. */
  readonly path: readonly (string | number)[];
  readonly rule: string;
  /** Within the condition, from 1; columns count UTF-16 units. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The line of the condition, and under it a caret. */
  readonly excerpt: string;
}

/** Thrown with every mistake in the policies. */
export class PolicyError extends Error {
  readonly problems: readonly PolicyProblem[];

  constructor(problems: readonly PolicyProblem[]) {
    super(problems.map(showPolicyProblem).join('\n'));
    this.name = 'PolicyError';
    this.problems = problems;
  }
}

const showPath = (path: PolicyProblem['path']): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}${text && '.'}${step}`),
    '',
  );

/** Returns a problem as text of three lines: what is wrong and where, the excerpt, the caret. */
export const showPolicyProblem = ({ path, rule, line, column, message, excerpt }: PolicyProblem): string =>
  `${showPath(path)} (rule ${rule}), line ${line}, column ${column}: ${message}\n${excerpt}`;

const BEFORE = 60;
const WIDTH = 100;

/** Returns the problem that a mistake in the condition `source` is. Throws anything that is no Mistake. */
export const asProblem = (
  error: unknown,
  { source, path, rule }: { readonly source: string; readonly path: PolicyProblem['path']; readonly rule: string },
): PolicyProblem => {
  if (!(error instanceof Mistake)) throw error;
  const offset = Math.min(error.offset, source.length);
  const start = source.lastIndexOf('\n', offset - 1) + 1;
  const line = source.slice(0, start).split('\n').length;
  const column = offset - start + 1;
  return { path, rule, line, column, message: error.message, excerpt: excerptOf(source.slice(start), column) };
};

const excerptOf = (rest: string, column: number): string => {
  const line = rest.split('\n', 1)[0] ?? '';
  const from = Math.max(0, column - 1 - BEFORE);
  const shown = line.slice(from, from + WIDTH);
  // A tab stays one, so that the caret stands under its place.
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
  return `  ${shown}\n  ${indent}^`;
};
