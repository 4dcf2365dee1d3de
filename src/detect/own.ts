/** Detectors that operators define in the config: made into the same data as those that are built in. */

import { mod97, passesLuhn, passesMod11And10, passesVerhoeff } from './checks.ts';
import { compileDetector } from './compiled.ts';
import { indexContexts } from './context.ts';
import type { Detector, Swallow } from './detector.ts';
import { type Catalog, catalogOf } from './entities.ts';
import { fold } from './fold.ts';
import { type OwnPattern, readOwnPattern } from './own-pattern.ts';
import { wordsPattern } from './own-words.ts';
import { looksRandom } from './randomness.ts';

/** What a config says of a detector. */
export interface OwnDetector {
  readonly name: string;
  readonly title?: string | undefined;
  readonly pattern?: string | undefined;
  readonly words?: readonly string[] | undefined;
  readonly ignore_case: boolean;
  readonly max_repeat?: number | undefined;
  readonly check?: OwnCheck | undefined;
  readonly except: readonly string[];
  readonly context?: { readonly words: readonly string[]; readonly required: boolean } | undefined;
  readonly score: number;
  readonly priority: 'first' | 'last';
}

/** The keys of such an entry that may be wrong by what they say together. */
export type OwnKey = 'pattern' | 'words' | 'check' | 'except' | 'context' | 'max_repeat';

/** Thrown for a detector that cannot be used. */
export class OwnDetectorError extends Error {
  /** Where in the entry. */
  readonly key: OwnKey;

  constructor(key: OwnKey, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OwnDetectorError';
    this.key = key;
  }
}

const digitsOf = (match: string): string => match.replaceAll(/\D/g, '');

/** What a config can name. Each takes a match, punctuation and all. */
const CHECKS = {
  luhn: (match: string) => digitsOf(match).length > 1 && passesLuhn(digitsOf(match)),
  mod97: (match: string) => mod97(match.replaceAll(/[^A-Za-z0-9]/g, '')) === 1,
  mod11_10: (match: string) => digitsOf(match).length > 1 && passesMod11And10(digitsOf(match)),
  verhoeff: (match: string) => digitsOf(match).length > 1 && passesVerhoeff(digitsOf(match)),
  random: looksRandom,
};

export type OwnCheck = keyof typeof CHECKS;

/** The name of the detector is not told again: the place in the config says it. */
const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? cause.cause.message : cause.message;
};

/** Returns what `step` returns; what it throws is wrong with `key`. */
const attempt = <T>(key: OwnKey, step: () => T): T => {
  try {
    return step();
  } catch (cause) {
    throw new OwnDetectorError(key, messageOf(cause), { cause });
  }
};

const patternOf = ({ pattern, words, ignore_case: ignoreCase, max_repeat: mostRepeats }: OwnDetector): OwnPattern => {
  if ((pattern === undefined) === (words === undefined))
    throw new OwnDetectorError(pattern === undefined ? 'pattern' : 'words', 'expected either a pattern or words');
  if (words !== undefined) {
    if (mostRepeats !== undefined) throw new OwnDetectorError('max_repeat', 'expected no max_repeat beside words');
    return { pattern: attempt('words', () => wordsPattern(words, ignoreCase)), goesOn: null };
  }
  return attempt('pattern', () => readOwnPattern(pattern ?? '', { ignoreCase, mostRepeats: mostRepeats ?? null }));
};

const acceptOf = ({ check, except, ignore_case: ignoreCase }: OwnDetector): Pick<Detector, 'accept'> => {
  if (check === undefined && except.length === 0) return {};
  const read = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const spared = new Set(except.map((text) => read(fold(text))));
  const passes = check === undefined ? () => true : CHECKS[check];
  return { accept: (match) => (spared.has(read(match)) || !passes(match) ? 0 : match.length) };
};

const swallowOf = ({ check, except }: OwnDetector, goesOn: string | null): { readonly swallow?: Swallow } => {
  if (goesOn === null) return {};
  const why = 'expected a pattern with a bound: what goes on without one is decided before it is over';
  if (check !== undefined) throw new OwnDetectorError('check', why);
  if (except.length > 0) throw new OwnDetectorError('except', why);
  return { swallow: { while: goesOn } };
};

/** Returns the detector that a config defines. Throws OwnDetectorError. */
export const ownDetector = (own: OwnDetector): Detector => {
  const { pattern, goesOn } = patternOf(own);
  const context = own.context === undefined ? {} : { context: own.context };
  const detector: Detector = {
    kind: own.name,
    title: own.title ?? 'Defined in the config',
    pattern,
    isLinear: true,
    score: own.score,
    ...acceptOf(own),
    ...swallowOf(own, goesOn),
    ...context,
  };
  attempt('context', () => indexContexts(own.context === undefined ? [] : [own.context]));
  attempt(own.words === undefined ? 'pattern' : 'words', () => compileDetector(detector));
  return detector;
};

/** Returns the catalog of a config that defines these detectors. Throws OwnDetectorError. */
export const catalogWith = (own: readonly OwnDetector[]): Catalog => {
  const made = (priority: OwnDetector['priority']): readonly Detector[] =>
    own.filter((one) => one.priority === priority).map(ownDetector);
  return catalogOf(made('first'), made('last'));
};
