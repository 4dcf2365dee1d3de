import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { answerEnvironmentFor } from '../src/decide/environment.ts';

const page = readFileSync(new URL('../docs/facts.md', import.meta.url), 'utf8');

it('docs/facts.md names everything that a condition can read, and nothing else', () => {
  const known = [...answerEnvironmentFor({ services: ['llm'], own: [] })].flatMap(([root, { type }]) =>
    type.kind === 'struct' ? [...type.fields.keys()].map((name) => `${root}.${name}`) : [],
  );
  const told = [...page.matchAll(/^\| `((?:caller|call|answer)\.\w+)` \|/gm)].map(([, name]) => name);
  expect(new Set(told)).toEqual(new Set(known));
  expect(known.length).toBeGreaterThan(30);
});
