import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../src/reasons.ts';

const page = readFileSync(new URL('../docs/lifecycle.md', import.meta.url), 'utf8');
const table = page.split('\n').filter((line) => line.startsWith('| '));

describe('docs/lifecycle.md', () => {
  it('promise 5: one reason — the table names every reason with its status, and no other', () => {
    const named = new Set(
      table.flatMap((line) =>
        [...line.matchAll(/`([a-z-]+)` (\d{3})/g)].map(([, reason, status]) => `${reason} ${status}`),
      ),
    );
    const known = new Set(Object.entries(REASONS).map(([reason, { status }]) => `${reason} ${status}`));
    expect(named).toEqual(known);
    expect(known.size).toBeGreaterThan(40);
  });
});
