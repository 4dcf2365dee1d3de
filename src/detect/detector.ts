/** What a detector is: data. Everything that finds, holds back or measures is derived from these fields. */

/** How many units to the left of a position a detector may look at. */
export const LEFT = 64;
/** How many units from a position on a detector may look at; a stream never holds back more. */
export const REACH = 320;

/**
 * How a finding goes on after its pattern, for entities without a length bound: once the pattern has matched, the
 * finding is decided and the rest is swallowed piece by piece, so nothing of it needs to be held back.
 */
export type Swallow =
  /** As long as units are in this class (the inside of a `[…]`). */
  | { readonly while: string }
  /** Up to and including the first match of this pattern; to the end of the text when there is none. */
  | { readonly until: RegExp };

/** Recognises one kind of entity. */
export interface Detector {
  /** The precise kind, for example `secret.github`; begins with the entity's name. */
  readonly kind: string;
  /**
   * In the subset that `syntax.ts` reads: bounded repeats, no groups that capture, lookbehind only ahead of everything
   * that consumes. Each match has at least one unit.
   */
  readonly pattern: RegExp;
  /** Returns how many units of a match, from its start, are the entity; 0 when it is none. Absent: all of them. */
  readonly accept?: (match: string) => number;
  /** Absent: the finding ends where the pattern and `accept` say. */
  readonly swallow?: Swallow;
  /** How sure a finding is, 0 to 1; a function where a checksum can raise it. */
  readonly score: number | ((match: string) => number);
  /**
   * A rare character that every match contains after a bounded stretch of a known class. The scan then looks at
   * positions ahead of such a character only. That the pattern keeps this is proved when it is compiled.
   */
  readonly needle?: string;
}

/** Returns the entity that a kind belongs to: `secret` for `secret.github`. */
export const entityOf = (kind: string): string => kind.split('.', 1)[0] ?? kind;

/** Returns the RegExp of a pattern made of fragments, backslashes as written. */
export const re = (strings: TemplateStringsArray, ...fragments: readonly string[]): RegExp =>
  new RegExp(String.raw(strings, ...fragments));

/** As `re`, without regard to ASCII case. */
export const rei = (strings: TemplateStringsArray, ...fragments: readonly string[]): RegExp =>
  new RegExp(String.raw(strings, ...fragments), 'i');

/** Returns how sure a finding with this match is, 0 to 1. */
export const scoreOf = ({ score }: Detector, match: string): number =>
  typeof score === 'number' ? score : score(match);
