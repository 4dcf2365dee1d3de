import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** The promises of the product, as DESIGN.md numbers them. */
const PROMISES = [
  'nobody unidentified',
  'one reading',
  'no evidence, no answer',
  'streams mask exactly like whole texts',
  'one reason',
  'approvals bind',
  'evidence convicts',
  'secrets stay on their side',
  'transparent',
];

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** What a title of a test looks like: the first argument of it, test or their each. */
const TITLE = /\b(?:it|test|describe)(?:\.each\([\s\S]*?\))?\(\s*(['"`])promise (\d+): /g;

const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: ROOT }).filter(
  (file) => file !== 'test/promises.test.ts',
);

const numbers = files.flatMap((file) =>
  [...readFileSync(ROOT + file, 'utf8').matchAll(TITLE)].map(([, , n]) => Number(n)),
);

it('sees the tests', () => expect(files.length).toBeGreaterThan(40));

it.each(PROMISES.map((promise, at) => ({ promise, number: at + 1 })))(
  'has a test for promise $number, $promise, that is named after it',
  ({ number }) => expect(numbers).toContain(number),
);

it('knows every promise that a test is named after', () => {
  expect(numbers.filter((number) => number < 1 || number > PROMISES.length)).toEqual([]);
});
