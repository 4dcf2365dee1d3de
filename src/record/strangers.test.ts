import { expect, it } from 'vitest';
import { MAX_ENTRIES, readRefusal, refusalText, Strangers } from './strangers.ts';

it('counts refusals by source and reason, with the first and the last time', () => {
  const strangers = new Strangers();
  for (const at of [5, 7, 9]) strangers.count('192.0.2.1', 'no-token', at);
  strangers.count('192.0.2.1', 'token-expired', 8);
  expect(strangers.take()).toEqual([
    { source: '192.0.2.1', reason: 'no-token', count: 3, from: 5, to: 9 },
    { source: '192.0.2.1', reason: 'token-expired', count: 1, from: 8, to: 8 },
  ]);
  expect(strangers.isEmpty).toBe(true);
});

it('counts those that are too many to tell apart together, by reason', () => {
  const strangers = new Strangers();
  for (let source = 0; source < MAX_ENTRIES + 500; source++) strangers.count(`source ${source}`, 'no-token', source);
  strangers.count('another', 'token-expired', 1);
  strangers.count('source 0', 'no-token', 9_999);
  const taken = strangers.take();
  expect(taken).toHaveLength(MAX_ENTRIES + 2);
  expect(taken[0]).toMatchObject({ source: 'source 0', count: 2, to: 9_999 });
  expect(taken.slice(-2)).toMatchObject([
    { source: '*', reason: 'no-token', count: 500 },
    { source: '*', reason: 'token-expired', count: 1 },
  ]);
});

it('keeps no more of a source than an address can have', () => {
  const strangers = new Strangers();
  strangers.count('x'.repeat(10_000), 'no-token', 1);
  expect(strangers.take()[0]?.source).toHaveLength(64);
});

it('reads back what it writes, and nothing of another version', () => {
  const record = { source: '192.0.2.1', reason: 'no-token', count: 3, from: 5, to: 9 } as const;
  expect(readRefusal(refusalText(record))).toMatchObject(record);
  expect(() => readRefusal('{"v":2}')).toThrow('version 1');
});
