import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardSecret } from './secret-guard.ts';

const pass = (secret: string, chunks: readonly Buffer[]): Buffer => {
  const guard = guardSecret(secret);
  if (guard === null) throw new Error('no guard');
  return Buffer.concat([...chunks.map((chunk) => guard.push(chunk)), guard.end()]);
};

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const points = [0, ...at.map((n) => n % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return points.slice(1).map((end, i) => bytes.subarray(points[i], end));
};

describe('guardSecret', () => {
  it('is absent when there is no secret', () => {
    expect(guardSecret('')).toBeNull();
  });

  it('promise 8: the upstream credential never leaves, wherever an answer is cut', () => {
    const secret = 'abcabcabd';
    let withSecret = 0;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', 'abc', 'abcabc', secret, 'é', '\n'), { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        (parts, cuts) => {
          const text = parts.join('');
          if (text.includes(secret)) withSecret++;
          const out = pass(secret, cut(Buffer.from(text), cuts)).toString();
          expect(out).toBe(text.replaceAll(secret, '*'.repeat(secret.length)));
        },
      ),
      { numRuns: 2000 },
    );
    expect(withSecret).toBeGreaterThan(300);
  });

  it('passes a chunk that holds nothing of it as the very same bytes', () => {
    const chunk = Buffer.from('nothing here.');
    expect(guardSecret('sk-123')?.push(chunk)).toBe(chunk);
  });
});
