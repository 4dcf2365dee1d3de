import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { open, seal } from './cobblestone.ts';
import known from './cobblestone.vectors.json' with { type: 'json' };

const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

/** The plaintext of the vectors: their file says how it is made. */
const text = (length: number): Buffer =>
  Buffer.concat(Array.from({ length: Math.ceil(length / 32) }, (_, index) => sha256(`text ${index}`))).subarray(
    0,
    length,
  );

describe('Cobblestone-256', () => {
  it.each(known.vectors)('agrees with another implementation on $plaintextBytes bytes', (vector) => {
    const key = Buffer.from(vector.key, 'hex');
    const context = Buffer.from(vector.context, 'hex');
    const salt = Buffer.from(vector.prefix, 'hex').subarray(0, 24);
    const sealed = seal(key, context, text(vector.plaintextBytes), salt);
    expect(sealed.subarray(0, 56).toString('hex')).toBe(vector.prefix);
    expect(sealed.length).toBe(vector.sealedBytes);
    expect(sha256(sealed).toString('hex')).toBe(vector.sealedSha256);
    expect(open(key, context, sealed)).toEqual(text(vector.plaintextBytes));
  });

  const key = randomBytes(32);
  const context = Buffer.from('here');

  it('never makes the same ciphertext twice', () => {
    expect(seal(key, context, text(10))).not.toEqual(seal(key, context, text(10)));
  });

  it('opens under its own key and context only', () => {
    const sealed = seal(key, context, text(10));
    expect(() => open(randomBytes(32), context, sealed)).toThrow('another key');
    expect(() => open(key, Buffer.from('there'), sealed)).toThrow('another context');
    expect(() => open(key.subarray(1), context, sealed)).toThrow('expected a key of 32 bytes, found 31');
  });

  it.each([0, 5, 16_384, 20_000])('does not open after any change or cut of %i bytes', (length) => {
    const sealed = seal(key, context, text(length));
    for (const at of [0, 23, 24, 55, 56, sealed.length - 17, sealed.length - 1].filter((index) => index >= 0)) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => open(key, context, changed)).toThrow();
    }
    for (const cut of [1, 16, 17, 3_632, 3_633]) expect(() => open(key, context, sealed.subarray(0, -cut))).toThrow();
    expect(() => open(key, context, Buffer.concat([sealed, Buffer.alloc(1)]))).toThrow();
  });

  it('takes a full last chunk as a cut, and chunks in their order only', () => {
    const sealed = seal(key, context, text(40_000));
    const chunk = 16_384 + 16;
    expect(() => open(key, context, sealed.subarray(0, 56 + 2 * chunk))).toThrow('cut off');
    const first = sealed.subarray(56, 56 + chunk);
    const second = sealed.subarray(56 + chunk, 56 + 2 * chunk);
    const swapped = Buffer.concat([sealed.subarray(0, 56), second, first, sealed.subarray(56 + 2 * chunk)]);
    expect(() => open(key, context, swapped)).toThrow();
  });
});
