import { randomBytes } from 'node:crypto';
import { assert, property, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { ID_BYTES, idTime, readId, showId, writeIdTime } from './session-id.ts';

const id = (ms: number, random = randomBytes(10)): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(6), random]);
  writeIdTime(bytes, 0, ms);
  return bytes;
};

it('shows 26 characters that read back to the same bytes', () => {
  assert(
    property(uint8Array({ minLength: ID_BYTES, maxLength: ID_BYTES }), (bytes) => {
      const text = showId(bytes);
      expect(text).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/);
      expect(readId(text)).toEqual(Buffer.from(bytes));
    }),
  );
});

it('agrees with a known ULID', () => {
  // the example of https://github.com/ulid/spec: 01ARYZ6S41 is the time 1469918176385
  const bytes = id(1469918176385);
  expect(showId(bytes).slice(0, 10)).toBe('01aryz6s41');
  expect(idTime(bytes)).toBe(1469918176385);
});

it('sorts by time as text', () => {
  expect(showId(id(1_700_000_000_000)) < showId(id(1_700_000_000_001))).toBe(true);
});

it('shows an id that stands in the middle of a frame', () => {
  const bytes = id(1_700_000_000_000);
  expect(showId(Buffer.concat([Buffer.alloc(9), bytes]), 9)).toBe(showId(bytes));
});

it('reads only the one form that is written', () => {
  const text = showId(id(1_700_000_000_000));
  for (const other of [
    '',
    text.slice(1),
    `${text}0`,
    text.toUpperCase(),
    `8${text.slice(1)}`,
    `${text.slice(0, -1)}u`,
  ]) {
    expect(readId(other)).toBeNull();
  }
});
