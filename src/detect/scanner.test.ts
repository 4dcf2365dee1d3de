import { describe, expect, it } from 'vitest';
import { compileScanner } from './scanner.ts';
import { CleanWords } from './search.ts';

describe('a scanner that remembers short texts without findings', () => {
  it('finds again what it has found in a short text', () => {
    const scanner = compileScanner(['email']);
    const first = scanner.scan('ann@example.com');
    expect(first).toHaveLength(1);
    expect(scanner.scan('ann@example.com')).toEqual(first);
  });

  it('remembers for its own detectors only', () => {
    expect(compileScanner(['iban']).scan('ann@example.com')).toEqual([]);
    expect(compileScanner(['email']).scan('ann@example.com')).toHaveLength(1);
    expect(compileScanner(['iban']).scan('ann@example.com')).toEqual([]);
  });

  it('keeps no long text, and a bounded number of short ones', () => {
    const clean = new CleanWords();
    clean.add('x'.repeat(25));
    expect(clean.has('x'.repeat(25))).toBe(false);
    clean.add('stop');
    expect(clean.has('stop')).toBe(true);
    for (let i = 0; i < 512; i++) clean.add(`word ${i}`);
    expect([clean.has('stop'), clean.has('word 511')]).toEqual([false, true]);
  });
});
