import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyChain, originalKey } from './original-keys.ts';

describe('a chain of keys', () => {
  it('gives the keys that its beginning leads to, each another one', () => {
    const start = new Uint8Array(randomBytes(32));
    const gateway = new KeyChain(Uint8Array.from(start));
    const keys = new Set<string>();
    for (let link = 0; link < 3; link++) {
      const worker = new KeyChain(new Uint8Array(gateway.take()));
      for (let n = 0; n < 3; n++) {
        const key = worker.take().toString('hex');
        keys.add(key);
        expect(originalKey(start, { id: '', link, n }).toString('hex')).toBe(key);
      }
    }
    expect(keys.size).toBe(9);
  });

  it('forgets what its keys came from', () => {
    const start = new Uint8Array(randomBytes(32));
    const chain = new KeyChain(start);
    chain.take();
    expect(start.every((byte) => byte === 0)).toBe(true);
  });

  it.each([-1, 1.5, 2 ** 40])('has no key number %d', (n) => {
    expect(() => originalKey(new Uint8Array(32), { id: '', link: 0, n })).toThrow('expected a number of keys');
  });
});
