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

/** Words that say what the number behind them is. */
export interface Context {
  /**
   * Words or phrases, in any language; `social security` stands for `socialSecurity`, `SOCIAL_SECURITY` and
   * `socialsecurity` too, and accents do not count. One of them must stand whole within LEFT units to the left of a match.
   */
  readonly words: readonly string[];
  /** True: without such a word there is no finding. Otherwise a word only makes it surer. */
  readonly required: boolean;
  /** Other words of which one must stand there too, in either order. */
  readonly and?: Context;
}

/** Recognises one kind of entity. */
export interface Detector {
  /** The precise kind, for example `secret.github`; begins with the entity's name. */
  readonly kind: string;
  /** What it is, for people. */
  readonly title?: string;
  /** Absent: what stands to the left says nothing but what the pattern's lookbehinds ask. */
  readonly context?: Context;
  /**
   * In the subset that `syntax.ts` reads: bounded repeats, no groups that capture, lookbehind only ahead of everything
   * that consumes. Each match has at least one unit.
   */
  readonly pattern: RegExp;
  /** The pattern runs on an automaton (automaton.ts): it is linear whatever it is. Absent: on V8's expressions. */
  readonly isLinear?: true;
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

/** Returns the phrases of lists, each separated by commas. */
export const phrases = (...lists: readonly string[]): readonly string[] => lists.flatMap((list) => list.split(', '));

/** Returns the entity that a kind belongs to: `secret` for `secret.github`. */
export const entityOf = (kind: string): string => kind.split('.', 1)[0] ?? kind;

/** Returns the RegExp of a pattern made of fragments, backslashes as written. */
export const re = (strings: TemplateStringsArray, ...fragments: readonly string[]): RegExp =>
  new RegExp(String.raw(strings, ...fragments));

/** As `re`, without regard to ASCII case. */
export const rei = (strings: TemplateStringsArray, ...fragments: readonly string[]): RegExp =>
  new RegExp(String.raw(strings, ...fragments), 'i');

/** How much surer a word ahead makes a finding: this part of what is missing to 1. */
const CONTEXT_WEIGHT = 0.5;

/** Returns how sure a finding with this match is, 0 to 1; `said`: a word of its context stands ahead of it. */
export const scoreOf = ({ score }: Detector, match: string, said: boolean): number => {
  const alone = typeof score === 'number' ? score : score(match);
  return said ? Number((alone + (1 - alone) * CONTEXT_WEIGHT).toFixed(3)) : alone;
};
