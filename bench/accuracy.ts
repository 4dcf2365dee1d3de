/**
 * `npm run bench -- accuracy`: precision and recall of every entity over texts whose truth is known because it was put
 * there, and false findings per 100 KB of the documentation and sources that this machine happens to have. With
 * `--files PLACE …` it counts what is found in those instead, by kind: what a detector says of your own texts.
 */

import { globSync, readFileSync, statSync } from 'node:fs';
import { compileScanner, ENTITIES } from '../src/detect/scanner.ts';
import { findingsIn } from './accuracy/files.ts';
import { corpus, type Labelled } from '../test/masking/corpus.ts';
import type { BenchOptions } from './bench.ts';

interface Score {
  right: number;
  /** Found where nothing is, or something else. */
  wrong: number;
  missed: number;
}

const entityOf = (kind: string): string => kind.split('.', 1)[0] ?? kind;

/** A finding is right when it covers the value, and at most two units of quoting more. */
const covers = (found: { start: number; end: number }, put: { start: number; end: number }): boolean =>
  found.start <= put.start && found.end >= put.end && found.end - found.start <= put.end - put.start + 2;

const overlaps = (a: { start: number; end: number }, b: { start: number; end: number }): boolean =>
  a.start < b.end && b.start < a.end;

const judge = (texts: readonly Labelled[], say: (line: string) => void, show: number) => {
  const scanner = compileScanner(ENTITIES.map(({ name }) => name));
  const scores = new Map<string, Score>();
  const of = (entity: string): Score => {
    const known = scores.get(entity) ?? { right: 0, wrong: 0, missed: 0 };
    scores.set(entity, known);
    return known;
  };
  let shown = 0;
  const tell = (what: string, text: string, span: { start: number; end: number }): void => {
    if (shown++ < show) say(`${what}: ${JSON.stringify(text.slice(Math.max(0, span.start - 40), span.end + 10))}`);
  };
  for (const { text, truth } of texts) {
    const findings = scanner.scan(text);
    for (const put of truth) {
      const hit = findings.some((found) => entityOf(found.kind) === put.entity && covers(found, put));
      of(put.entity)[hit ? 'right' : 'missed'] += 1;
      if (!hit) tell(`missed ${put.entity}`, text, put);
    }
    for (const found of findings) {
      const entity = entityOf(found.kind);
      if (truth.some((put) => put.entity === entity && covers(found, put))) continue;
      // What is said to be something else is as wrong as what is said of nothing, unless both names are true.
      if (truth.some((put) => put.alike.includes(entity) && overlaps(found, put))) continue;
      of(entity).wrong += 1;
      tell(`wrong ${found.kind}`, text, found);
    }
  }
  return scores;
};

const CLEAN = [
  'node_modules/*/README.md',
  'node_modules/*/{lib,dist,src}/*.js',
  'node_modules/*/*.d.ts',
  '/usr/share/doc/*/*',
];

/** Returns findings per 100 KB of text that nobody put anything into. */
const clean = (say: (line: string) => void, show: number) => {
  const scanner = compileScanner(ENTITIES.map(({ name }) => name));
  const counts = new Map<string, number>();
  let size = 0;
  let shown = 0;
  for (const file of globSync(CLEAN)) {
    const stats = statSync(file);
    if (!stats.isFile() || stats.size > 400_000 || /\.(?:gz|png|map|min\.js)$/.test(file)) continue;
    const text = readFileSync(file, 'utf8');
    size += text.length;
    for (const { kind, start, end } of scanner.scan(text)) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      // Addresses of maintainers are true findings; what is left has to be looked at.
      if (!/^(?:email|ipv|mac|phone)/.test(kind) && shown++ < show)
        say(`clean ${kind}: ${JSON.stringify(text.slice(Math.max(0, start - 30), end + 10))} ${file}`);
    }
  }
  return { size, counts };
};

const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);

/** What is found in files, by kind, and per 100 KB of them. */
const look = (places: readonly string[], say: (line: string) => void, show: number) => {
  let shown = 0;
  const { files, size, counts } = findingsIn(places, (kind, around, file) => {
    if (shown++ < show) say(`${kind}: ${JSON.stringify(around)} ${file}`);
  });
  const per = (count: number): string => ((count * 1e5) / size).toFixed(3);
  const all = [...counts].toSorted((a, b) => b[1] - a[1]);
  say(`${files} files, ${(size / 1e6).toFixed(1)} million characters`);
  for (const [kind, count] of all) say(`${kind.padEnd(28)} ${String(count).padStart(7)}  ${per(count)} per 100,000`);
  say(`all ${per(all.reduce((sum, [, count]) => sum + count, 0))} per 100,000`);
  return { files, size, counts: Object.fromEntries(counts) };
};

/** Runs the bench and returns its figures. */
export async function run({ quick, say, files }: BenchOptions): Promise<unknown> {
  const show = Number(process.env['SALLYPORT_ACCURACY_SHOW'] ?? 0);
  if (files.length > 0) return look(files, say, show);
  const texts = corpus(quick ? 2000 : 20_000, 11);
  const scores = judge(texts, say, show);
  say(`${texts.length} texts, ${texts.reduce((sum, { truth }) => sum + truth.length, 0)} values`);
  for (const [entity, { right, wrong, missed }] of [...scores].toSorted(([a], [b]) => a.localeCompare(b))) {
    say(
      `${entity.padEnd(20)} precision ${percent(right, right + wrong).padStart(7)}  recall ${percent(right, right + missed).padStart(7)}  (${right + missed})`,
    );
  }
  const { size, counts } = clean(say, show);
  const findings = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const secretive = [...counts]
    .filter(([kind]) => !/^(?:email|ipv|mac|url)/.test(kind))
    .reduce((sum, [, count]) => sum + count, 0);
  say(
    `clean: ${(size / 1e6).toFixed(1)} MB, ${((secretive * 1e5) / size).toFixed(3)} findings per 100 KB, ${((findings * 1e5) / size).toFixed(3)} with addresses`,
  );
  say(
    [...counts]
      .toSorted((a, b) => b[1] - a[1])
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', '),
  );
  return { scores: Object.fromEntries(scores), clean: { size, counts: Object.fromEntries(counts) } };
}
