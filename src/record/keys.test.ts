import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { blind, keyCommitment, newPage, openPage, PAGE_SLOTS, sealPage, slotKey } from './keys.ts';

const name = { instance: '0123456789abcdef', worker: 1, page: 7 };
const recordingKey = randomBytes(32);

describe('a page of keys', () => {
  it('opens to the same keys, all of them different', () => {
    const page = newPage(name);
    const opened = openPage(name, recordingKey, sealPage(page, recordingKey));
    const keys = Array.from({ length: PAGE_SLOTS }, (_, slot) => slotKey(opened, slot).key.toString('hex'));
    expect(keys).toEqual(Array.from({ length: PAGE_SLOTS }, (_, slot) => slotKey(page, slot).key.toString('hex')));
    expect(new Set(keys).size).toBe(PAGE_SLOTS);
  });

  it.each([{ instance: 'fedcba9876543210' }, { worker: 2 }, { page: 8 }])('does not open as %j', (other) => {
    const sealed = sealPage(newPage(name), recordingKey);
    expect(() => openPage({ ...name, ...other }, recordingKey, sealed)).toThrow('for another context');
  });

  it('has no slot beyond its last', () => {
    expect(() => slotKey(newPage(name), PAGE_SLOTS)).toThrow('expected a slot below 128');
  });
});

describe('a key', () => {
  it('is committed to by the hash of a label, itself and its base nonce', () => {
    const keys = slotKey(newPage(name), 5);
    const bytes = Buffer.concat([Buffer.from('sallyport key commitment v1\0'), keys.key, keys.baseNonce]);
    expect(keyCommitment(keys)).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('blinds names: the same under one key, different under another, different however the parts are cut', () => {
    const [one, two] = [slotKey(newPage(name), 5), slotKey(newPage(name), 5)];
    expect(blind(one, ['issuer', 'ada'])).toBe(blind(one, ['issuer', 'ada']));
    const hashes = [
      blind(one, ['issuer', 'ada']),
      blind(two, ['issuer', 'ada']),
      blind(one, ['issue', 'rada']),
      blind(one, []),
    ];
    expect(new Set(hashes).size).toBe(4);
  });
});
