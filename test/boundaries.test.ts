import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf } from './kit/source-imports.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/**
 * Files that stand directly in src/, and what they belong to. `start` is the composition root with its threads; the
 * others are leaves, named after themselves or after what they make up together.
 */
const FILES: Readonly<Record<string, string>> = {
  'main.ts': 'main',
  'start.ts': 'start',
  'start-worker.ts': 'start',
  'start-recorder.ts': 'start',
  'crew.ts': 'start',
  'threads.ts': 'start',
  'keep-config.ts': 'start',
  'keep-limits.ts': 'start',
  'rpc.ts': 'rpc',
  'call.ts': 'call',
  'reasons.ts': 'reasons',
  'clock.ts': 'clock',
  'turns.ts': 'turns',
  'log.ts': 'log',
  'redact.ts': 'log',
  'safe-text.ts': 'text',
  'nearest.ts': 'text',
  'address.ts': 'text',
  'selectors.ts': 'text',
  'json-schema.ts': 'text',
  'name-pattern.ts': 'text',
  'config.ts': 'config',
  'version.ts': 'version',
};

const VERBS = ['identify', 'inspect', 'classify', 'decide', 'guard', 'limit', 'approve', 'mask', 'record', 'watch'];

/**
 * DESIGN.md "The house": who imports whom. Imports only point down; verb folders do not know one another, and gateway
 * and control do not either. Each arrow is in use: one that no import needs any more has to go.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ['cli'],
  cli: [
    'start',
    'identify',
    'decide',
    'guard',
    'approve',
    'record',
    'mask',
    'detect',
    'ledger',
    'store',
    'protocol',
    'config',
    'call',
    'reasons',
    'clock',
    'text',
    'version',
  ],
  start: [
    'gateway',
    'control',
    'identify',
    'decide',
    'limit',
    'approve',
    'record',
    'watch',
    'ledger',
    'store',
    'rpc',
    'config',
    'clock',
    'log',
    'text',
    'version',
  ],
  gateway: [...VERBS, 'protocol', 'detect', 'tripwire', 'turns', 'config', 'call', 'reasons', 'clock', 'log', 'text'],
  control: ['identify', 'approve', 'store', 'protocol', 'call', 'reasons'],
  identify: ['protocol', 'config', 'call', 'reasons', 'clock', 'log', 'text'],
  inspect: ['protocol', 'detect', 'tripwire', 'turns', 'call', 'reasons'],
  classify: ['config', 'call', 'reasons', 'clock'],
  decide: ['detect', 'tripwire', 'config', 'call', 'reasons', 'text'],
  guard: ['config', 'call', 'text'],
  limit: ['store', 'protocol', 'config', 'call', 'reasons'],
  approve: ['ledger', 'store', 'protocol', 'call', 'reasons', 'clock'],
  mask: ['protocol', 'detect', 'turns', 'call', 'reasons', 'text'],
  record: ['protocol', 'ledger', 'store', 'call', 'reasons', 'clock', 'log'],
  watch: ['call', 'reasons', 'log'],
  protocol: ['turns', 'call', 'reasons', 'text'],
  detect: ['call', 'text'],
  tripwire: ['call'],
  store: [],
  ledger: ['reasons'],
  rpc: ['reasons'],
  config: ['detect', 'ledger', 'log', 'text'],
  log: ['text'],
  call: ['reasons'],
  reasons: [],
  clock: [],
  turns: ['reasons'],
  text: [],
  version: [],
};

/** Stations that only compute: same in, same out. What they must not touch. */
const PURE = ['protocol', 'detect', 'tripwire', 'inspect', 'decide', 'mask'];
const WORLD =
  /^(?:node:)?(?:fs|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster|sqlite|process|os)(?:\/.*)?$|^undici$/;

interface Source {
  /** Relative to src/. */
  readonly file: string;
  readonly place: string | undefined;
  readonly imports: readonly string[];
}

const placeOf = (file: string): string | undefined => {
  const [first = '', ...rest] = file.split('/');
  return rest.length === 0 ? FILES[first] : first;
};

const isTest = (file: string): boolean => /\.(?:test|bench)\.ts$/.test(file);

const sources: readonly Source[] = globSync('**/*.ts', { cwd: `${ROOT}src` })
  .filter((file) => !isTest(file))
  .map((file) => ({
    file,
    place: placeOf(file),
    imports: importsOf(readFileSync(`${ROOT}src/${file}`, 'utf8')),
  }));

/** Returns the arrows that leave the place of a source, as `from → to (file)`. */
const arrows = ({ file, place, imports }: Source): readonly { from: string; to: string; file: string }[] =>
  imports
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name)))
    // What stands outside src/ is no module: package.json, the schema.
    .filter((target) => !target.startsWith('..'))
    .map((target) => ({ from: place ?? '', to: placeOf(target) ?? `unknown ${target}`, file }))
    .filter(({ from, to }) => from !== to);

describe('the boundaries of the house', () => {
  it('sees the files', () => {
    expect(sources.length).toBeGreaterThan(150);
    expect(sources.flatMap(arrows).length).toBeGreaterThan(200);
  });

  it('knows every folder and every file in src/', () => {
    const unknown = sources.filter(({ place }) => place === undefined || !Object.hasOwn(MAY_IMPORT, place));
    expect(unknown.map(({ file }) => file)).toEqual([]);
  });

  it('has no import that points up or sideways', () => {
    const wrong = sources.flatMap(arrows).filter(({ from, to }) => !MAY_IMPORT[from]?.includes(to));
    expect(wrong.map(({ from, to, file }) => `${from} → ${to} (${file})`)).toEqual([]);
  });

  it('has no arrow that no import needs', () => {
    const used = new Set(sources.flatMap(arrows).map(({ from, to }) => `${from} → ${to}`));
    const drawn = Object.entries(MAY_IMPORT).flatMap(([from, below]) => below.map((to) => `${from} → ${to}`));
    expect(drawn.filter((arrow) => !used.has(arrow))).toEqual([]);
  });

  it('has verbs that do not know one another, and a gateway and a control that do not either', () => {
    const between = (places: readonly string[]): readonly string[] =>
      places.flatMap((from) => places.filter((to) => MAY_IMPORT[from]?.includes(to)).map((to) => `${from} → ${to}`));
    expect([...between(VERBS), ...between(['gateway', 'control'])]).toEqual([]);
  });

  it('has no test kit and no script in the product', () => {
    const outside = sources.flatMap(({ file, imports }) =>
      imports
        .map((name) => normalize(join('src', dirname(file), name)))
        .filter((name) => /^(?:test|scripts|bench|demo)\//.test(name)),
    );
    expect(outside).toEqual([]);
  });

  it.each(PURE)('%s touches no file, no network and no thread', (place) => {
    const own = sources.filter((source) => source.place === place);
    expect(own.length).toBeGreaterThan(0);
    const touching = own.flatMap(({ file, imports }) =>
      imports.filter((name) => WORLD.test(name)).map((name) => `${name} (${file})`),
    );
    expect(touching).toEqual([]);
  });
});

describe('importsOf', () => {
  it('sees every form that leads to another module', () => {
    const source = `
      import a from './a.ts';
      import type { B } from "./b.ts";
      import {
        type C,
        d,
      } from './c.ts';
      import * as e from './e.ts';
      import './f.ts';
      export * from './g.ts';
      export { h } from './h.ts';
      const i = await import('./i.ts');
      type J = import('./j.ts').J;
      new Worker(new URL('./k.ts', import.meta.url));
      startThread('l', {}, []);
      import data from './m.json' with { type: 'json' };
    `;
    expect(importsOf(source).toSorted()).toEqual(
      Array.from('abcefghijkl')
        .map((name) => `./${name}.ts`)
        .concat('./m.json')
        .toSorted(),
    );
  });

  it('does not take a comment for an import', () => {
    expect(importsOf("// import a from './a.ts'\n/* import './b.ts' */ const url = 'https://x.y';\n")).toEqual([]);
  });

  it.each(['import(name)', 'await import(`./${name}.ts`)', "require('x')"])('refuses %s', (source) => {
    expect(() => importsOf(source)).toThrow('computed');
  });
});
