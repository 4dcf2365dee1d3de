import { describe, expect, it } from 'vitest';
import { entropyOf, looksRandom } from './randomness.ts';

/** Returns which part of 2000 strings drawn from `alphabet` is known as random. */
const known = (alphabet: string, length: number): number => {
  // A fixed generator (Numerical Recipes): the same strings at each run.
  let state = 1;
  const next = (): number => (state = (state * 1_664_525 + 1_013_904_223) >>> 0);
  const draw = (): string => alphabet.charAt(Math.floor((next() / 2 ** 32) * alphabet.length));
  return Array.from({ length: 2000 }, () => Array.from({ length }, draw).join('')).filter(looksRandom).length / 2000;
};

describe('looksRandom', () => {
  it('knows values that were drawn at random', () => {
    for (const text of ['9f8A7b6C5d4E3f2A1b0C', '127e6fbfe24a750e72930c', 'x7Kp2mQ9vL4nR8tZ', 'q0w9e8r7t6y5u4i3o2p1']) {
      expect(looksRandom(text), text).toBe(true);
    }
  });

  it('knows most of many random strings', () => {
    const lower = 'abcdefghijklmnopqrstuvwxyz0123456789';
    expect(known(lower + lower.toUpperCase().slice(0, 26), 20)).toBeGreaterThan(0.9);
    expect(known(lower + lower.toUpperCase().slice(0, 26), 40)).toBeGreaterThan(0.97);
    expect(known(lower, 32)).toBeGreaterThan(0.97);
    expect(known(lower.slice(-10) + lower.slice(0, 6), 32)).toBeGreaterThan(0.97);
  });

  it('knows names, paths and numbers from them', () => {
    const names = [
      'getAccessTokenFromCache2',
      'prod-eu-west-1-cluster-2',
      'user_id_2_name_3_and_4',
      '1234567890123456',
      'aaaaaaaa11111111',
    ];
    for (const text of names) expect(looksRandom(text), text).toBe(false);
  });

  it('measures entropy in bits per unit', () => {
    expect(entropyOf('aaaa')).toBeCloseTo(0);
    expect(entropyOf('abcd')).toBeCloseTo(2);
  });
});
