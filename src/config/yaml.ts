/** Reads YAML strictly and remembers where everything stands. */

import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { safeText } from '../safe-text.ts';

/** A step in a config: a key or an index. */
export type ConfigPath = readonly (string | number)[];

/** A place in a file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something that is wrong with a config, and where. */
export interface ConfigProblem extends Place {
  /** For example `services[0].upstream.url`; empty for the file as a whole. */
  readonly path: string;
  /** What was expected and what was found, in one line. */
  readonly message: string;
}

/** A YAML text as a value, and where its parts stand. */
export interface YamlText {
  readonly value: unknown;
  /** Returns where the value at `path` stands; for what is missing, its nearest ancestor that is there. */
  valueAt(path: ConfigPath): Place;
  /** Returns where the key that `path` ends with stands; for an index or a missing key, as `valueAt`. */
  keyAt(path: ConfigPath): Place;
}

/** Aliases expand to at most this many times what they name: "billion laughs" end here. */
const MAX_ALIASES = 100;

/** One slip of the pen can make all that follows unreadable: the first few problems tell enough. */
const MAX_YAML_PROBLEMS = 3;

const START: Place = { line: 1, column: 1 };

/** Returns a path as it is written in messages. */
export const showPath = (path: ConfigPath): string =>
  path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return `${text}${text === '' ? '' : '.'}${safeText(step)}`;
  }, '');

type Found = { readonly key: Node | null; readonly value: Node | null };

const child = (parent: Node | null, step: string | number, document: Document): Found => {
  const node = isAlias(parent) ? (parent.resolve(document) ?? null) : parent;
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
    if (isPair(pair)) return { key: isNode(pair.key) ? pair.key : null, value: isNode(pair.value) ? pair.value : null };
  }
  const item = isSeq(node) && typeof step === 'number' ? node.items[step] : null;
  return { key: null, value: isNode(item) ? item : null };
};

const createLocate = (document: Document, lines: LineCounter) => {
  const place = (node: Node | null): Place => {
    const start = node?.range?.[0];
    if (start === undefined) return START;
    const { line, col } = lines.linePos(start);
    return { line, column: col };
  };
  return (path: ConfigPath, wantKey: boolean): Place => {
    let here: Node | null = document.contents;
    let last: Node | null = here;
    for (const [at, step] of path.entries()) {
      const found = child(here, step, document);
      if (wantKey && at === path.length - 1 && found.key !== null) return place(found.key);
      // A key without a value (`issuers:`) is a better place than the map it stands in.
      last = found.value ?? found.key ?? last;
      here = found.value;
      if (here === null) break;
    }
    return place(last);
  };
};

/** What the library says in the words of its own API, in ours. */
const REWORDED: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'expected one document, found several',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  NON_STRING_KEY: 'expected every key to be text',
};

const notYaml = (message: string): string => `not valid YAML: ${safeText(message)}`;

const yamlProblems = (document: Document, lines: LineCounter): readonly ConfigProblem[] =>
  // A warning is for example an unknown tag: strict means that nothing is guessed.
  [...document.errors, ...document.warnings].slice(0, MAX_YAML_PROBLEMS).map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { line, column: col, path: '', message: notYaml(REWORDED[error.code] ?? error.message) };
  });

/**
 * Returns `text` read as one YAML 1.2 document, or all that is wrong with it. Duplicate keys, unknown tags, keys that
 * are not text, several documents and aliases that multiply are refused.
 */
export const readYaml = (text: string): YamlText | { readonly problems: readonly ConfigProblem[] } => {
  const lines = new LineCounter();
  try {
    const document: Document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      strict: true,
      stringKeys: true,
      uniqueKeys: true,
      version: '1.2',
    });
    const problems = yamlProblems(document, lines);
    if (problems.length > 0) return { problems };
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const locate = createLocate(document, lines);
    return { value, valueAt: (path) => locate(path, false), keyAt: (path) => locate(path, true) };
  } catch (error) {
    // So the library reports aliases that multiply.
    if (!(error instanceof ReferenceError)) throw error;
    return { problems: [{ ...START, path: '', message: notYaml('aliases multiply beyond measure') }] };
  }
};
