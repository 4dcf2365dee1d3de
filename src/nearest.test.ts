import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

describe('nearest', () => {
  it.each([
    ['polices', 'policies'],
    ['max_tokns', 'max_tokens'],
    ['Listeners', 'listeners'],
    ['sevrices', 'services'],
    ['emial', 'email'],
  ])('takes %s for %s', (name, meant) => {
    expect(nearest(name, ['listeners', 'policies', 'services', 'max_tokens', 'email'])).toBe(meant);
  });

  it('prefers the closer of two near names', () => {
    expect(nearest('ibam', ['imam', 'iban'])).toBe('imam');
    expect(nearest('masking', ['making', 'masking'])).toBe('masking');
  });

  it('names nothing when nothing is near', () => {
    expect(nearest('zebra', ['listeners', 'policies'])).toBeNull();
    expect(nearest('x', [])).toBeNull();
  });

  it('does not spend time on a name no one could have meant', () => {
    expect(nearest('a'.repeat(1_000_000), ['listeners'])).toBeNull();
  });
});
