import { expect, test } from 'vitest';
import { UnknownKids } from './unknown-kids.ts';

test('an answer is fresh for 30 seconds', () => {
  const unknown = new UnknownKids(0);
  expect(unknown.isAnswered('k', 0)).toBe(false);
  unknown.answer('k', 0);
  expect(unknown.isAnswered('k', 29_999)).toBe(true);
  expect(unknown.isAnswered('k', 30_000)).toBe(false);
  expect(unknown.isAnswered('other', 0)).toBe(false);
});

test('five questions may be asked at once, then one every ten seconds', () => {
  const unknown = new UnknownKids(0);
  const ask = (now: number): number => {
    let asked = 0;
    while (unknown.mayAsk(now)) asked++;
    return asked;
  };
  expect([0, 9_999, 10_000, 19_999, 40_000, 1_000_000].map(ask)).toEqual([5, 0, 1, 0, 3, 5]);
});

test('a thousand answers are kept, the newest', () => {
  const unknown = new UnknownKids(0);
  for (let i = 0; i <= 1000; i++) unknown.answer(`k${i}`, 0);
  expect(unknown.isAnswered('k0', 1)).toBe(false);
  expect(unknown.isAnswered('k1', 1)).toBe(true);
  expect(unknown.isAnswered('k1000', 1)).toBe(true);
});
