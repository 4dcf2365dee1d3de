/**
 * `npm run bench -- tripwires --files attacks=PATH --files clean=PATH …`: how many texts of other people's sets trip the
 * wires for injections. Sets are read where they are and never kept here. A file is JSON lines, JSON, or a text a line; of
 * objects, the member that holds the text is found by its name, and a member `label` parts a set that has both kinds.
 */

import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { findInjection } from '../src/tripwire/injection.ts';
import type { BenchOptions } from './bench.ts';

/** What members of objects hold the text that is sent, the first that is there. */
const TEXTS = ['text', 'injected', 'prompt', 'payload', 'attack', 'content', 'input', 'question'];
/** What labels say that a text is no attack. */
const CLEAN = new Set(['benign', 'clean', 'safe', 'legitimate', '0', 'false', 'negative']);
/** From here on a text has tripped, and from here on it is worth a denial. */
const SCORES = [0.4, 0.7] as const;

interface Sample {
  readonly text: string;
  readonly isAttack: boolean;
}

/** What came of one set, or of one kind of text in it. */
interface Outcome {
  readonly set: string;
  readonly kind: 'attacks' | 'clean';
  readonly texts: number;
  /** Shares of texts whose score is at least that of SCORES, the same order. */
  readonly shares: readonly number[];
}

const textOf = (value: object): string | undefined => {
  const members = new Map<string, unknown>(Object.entries(value));
  for (const name of TEXTS) {
    const text = members.get(name);
    if (typeof text === 'string') return text;
  }
  return undefined;
};

function* samplesIn(value: unknown, isAttack: boolean): Generator<Sample> {
  if (typeof value === 'string') {
    if (value.trim() !== '') yield { text: value, isAttack };
  } else if (Array.isArray(value)) {
    for (const item of value) yield* samplesIn(item, isAttack);
  } else if (typeof value === 'object' && value !== null) {
    const text = textOf(value);
    if (text === undefined) yield* samplesIn(Object.values(value), isAttack);
    else yield { text, isAttack: 'label' in value ? !CLEAN.has(String(value.label).toLowerCase()) : isAttack };
  }
}

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '');

const readSet = (path: string, isAttack: boolean): readonly Sample[] => {
  const text = readFileSync(path, 'utf8');
  if (extname(path) === '.jsonl') return linesOf(text).flatMap((line) => [...samplesIn(JSON.parse(line), isAttack)]);
  if (extname(path) === '.json') return [...samplesIn(JSON.parse(text), isAttack)];
  return linesOf(text).map((line) => ({ text: line, isAttack }));
};

const outcomesOf = (set: string, samples: readonly Sample[]): readonly Outcome[] =>
  [true, false].flatMap((isAttack): readonly Outcome[] => {
    const texts = samples.filter((sample) => sample.isAttack === isAttack);
    if (texts.length === 0) return [];
    // as the result of a tool: the place that is trusted least
    const scores = texts.map(({ text }) => findInjection([{ text, place: 'tool' }]).score);
    const shares = SCORES.map((least) => scores.filter((score) => score >= least).length / texts.length);
    return [{ set, kind: isAttack ? 'attacks' : 'clean', texts: texts.length, shares }];
  });

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`.padStart(8);

/** Measures the sets that `files` names, each as `attacks=PATH` or `clean=PATH`. */
export async function run({ files, say }: BenchOptions): Promise<unknown> {
  if (files.length === 0) {
    say('  not run: name sets of texts with --files attacks=PATH or --files clean=PATH');
    return null;
  }
  const outcomes = files.flatMap((file) => {
    const [, kind, path] = /^(attacks|clean)=(.+)$/s.exec(file) ?? [];
    if (kind === undefined || path === undefined) throw new Error(`expected attacks=PATH or clean=PATH, found ${file}`);
    return outcomesOf(basename(path), readSet(path, kind === 'attacks'));
  });
  say(`  ${'set'.padEnd(34)} kind      texts ${SCORES.map((score) => `score ≥ ${score}`.padStart(12)).join('')}`);
  for (const { set, kind, texts, shares } of outcomes)
    say(
      `  ${set.padEnd(34)} ${kind.padEnd(8)} ${String(texts).padStart(6)} ${shares.map((each) => percent(each).padStart(12)).join('')}`,
    );
  return outcomes;
}
