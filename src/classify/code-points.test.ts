import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pointsTo, unitIndex } from './code-points.ts';

/** With pairs, and with halves of pairs alone and in the wrong order. */
const text = fc
  .array(fc.constantFrom('a', 'é', '👋', '\ud83d', '\udc4b', '世'), { maxLength: 20 })
  .map((parts) => parts.join(''));

it('counts as the iterator of strings does, and finds the way back', () => {
  fc.assert(
    fc.property(text, (sample) => {
      const points = Array.from(sample);
      const index = unitIndex(sample);
      for (let at = 0; at <= points.length; at++) {
        const units = points.slice(0, at).join('').length;
        expect(index(at)).toBe(units);
        expect(pointsTo(sample, units)).toBe(at);
      }
    }),
    { numRuns: 500 },
  );
});

it.each([-1, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('knows no code point %d of three', (point) => {
  expect(unitIndex('a👋b')(point)).toBeNull();
  expect(unitIndex('abc')(point)).toBeNull();
});
