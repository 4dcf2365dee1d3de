import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  blind,
  isErased,
  keyCommitment,
  newPage,
  openPage,
  PAGE_SLOTS,
  sealPage,
  slotKey,
  withoutKeys,
} from './keys.ts';
import { type PageOpener, recordingKeyOf } from './page-keys.ts';

const name = { instance: '0123456789abcdef', worker: 1, page: 7 };
const recordingKey = recordingKeyOf(randomBytes(32));
const ring: PageOpener = { find: () => recordingKey };

describe('a page of keys', () => {
  it('opens to the same keys, all of them different', () => {
    const page = newPage(name);
    const opened = openPage(name, ring, sealPage(page, recordingKey));
    const keys = Array.from({ length: PAGE_SLOTS }, (_, slot) => slotKey(opened, slot).key.toString('hex'));
    expect(keys).toEqual(Array.from({ length: PAGE_SLOTS }, (_, slot) => slotKey(page, slot).key.toString('hex')));
    expect(new Set(keys).size).toBe(PAGE_SLOTS);
  });

  it.each([{ instance: 'fedcba9876543210' }, { worker: 2 }, { page: 8 }])('does not open as %j', (other) => {
    const sealed = sealPage(newPage(name), recordingKey);
    expect(() => openPage({ ...name, ...other }, ring, sealed)).toThrow('for another context');
  });

  it('loses a key with its pad, without the recording key, and no other', () => {
    const page = newPage(name);
    const stored = sealPage(page, recordingKey);
    const left = openPage(name, ring, withoutKeys(stored, [5]));
    expect(isErased(slotKey(left, 5))).toBe(true);
    for (const slot of [0, 4, 6, PAGE_SLOTS - 1]) expect(slotKey(left, slot)).toEqual(slotKey(page, slot));
    // what is sealed tells nothing of a key whose pad is gone: it is another every time
    expect(sealPage(page, recordingKey).subarray(8).equals(stored.subarray(8))).toBe(false);
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
