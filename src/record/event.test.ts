import { describe, expect, it } from 'vitest';
import { eventOverhead, readEvents, writeEventHead } from './event.ts';

const write = (micros: number, code: 'o' | 'd', payload: Buffer): Buffer => {
  const bytes = Buffer.alloc(eventOverhead(micros, payload.length) + payload.length);
  const at = writeEventHead(bytes, 0, micros, code, payload.length);
  expect(at + payload.length).toBe(bytes.length);
  payload.copy(bytes, at);
  return bytes;
};

describe('events', () => {
  it('read back in order, text as text and bytes as they were', () => {
    const body = Buffer.from([0, 255, 10]);
    const plaintext = Buffer.concat([write(0, 'o', Buffer.from('{"é":1}')), write(1_500_000, 'd', body)]);
    expect([...readEvents(plaintext)]).toEqual([
      { at: 0, code: 'o', payload: '{"é":1}' },
      { at: 1_500_000, code: 'd', payload: body },
    ]);
  });

  it('take the bytes that eventOverhead says, at every width of a head', () => {
    for (const micros of [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      for (const length of [0, 23, 24, 255, 256, 65_536]) write(micros, 'd', Buffer.alloc(length));
    }
  });

  it.each([
    ['a bare number', '01'],
    ['an array of two', '8200616f'],
    ['an unknown code', '83006179 60'],
    ['text where bytes belong', '8300616460'],
    ['bytes where text belongs', '8300616f40'],
    ['a number as payload', '8300616f00'],
    ['an array as payload', '8300616f80'],
    ['half an event', '8300616f'],
  ])('refuse %s', (_, hex) => {
    expect(() => [...readEvents(Buffer.from(hex.replaceAll(' ', ''), 'hex'))]).toThrow(/expected/);
  });
});
