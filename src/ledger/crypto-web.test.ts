import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as node from './crypto.ts';
import * as web from './crypto-web.ts';

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

it('stands in for the whole of crypto.ts', () => {
  expect(Object.keys(web).toSorted()).toEqual(Object.keys(node).toSorted());
  expect(web.ED25519_KEY_BYTES).toBe(node.ED25519_KEY_BYTES);
});

describe('the hashes of a browser', () => {
  it('are those of node:crypto, for every length around the blocks', () => {
    for (const length of [0, 1, 3, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 1000]) {
      const bytes = randomBytes(length);
      expect(Buffer.from(web.sha256(bytes)), `SHA-256 of ${length}`).toEqual(Buffer.from(node.sha256(bytes)));
    }
  });
});

/** RFC 8032 §7.1, tests 1 to 3: public key, message, signature. */
const VECTORS = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

describe('Ed25519 in a browser', () => {
  it.each(VECTORS)('accepts the signature of RFC 8032 under %s, and no other', (key, message, signature) => {
    const verify = web.ed25519Verifier(hex(key));
    expect(verify(hex(message), hex(signature))).toBe(true);
    expect(verify(hex(`${message}00`), hex(signature))).toBe(false);
    for (const at of [0, 31, 32, 63]) {
      const changed = hex(signature);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verify(hex(message), changed), `byte ${at}`).toBe(false);
    }
  });

  it('refuses a signature whose S is not the smallest, as node:crypto does', () => {
    const [key, message, signature] = VECTORS[1];
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const bytes = hex(signature);
    const s = bytes.subarray(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + order;
    for (let at = 0; at < 32; at++) bytes[32 + at] = Number((s >> BigInt(8 * at)) & 0xffn);
    expect(web.ed25519Verifier(hex(key))(hex(message), bytes)).toBe(false);
    expect(node.ed25519Verifier(hex(key))(hex(message), bytes)).toBe(false);
  });

  it('says the same as node:crypto of random signatures, whole and changed', () => {
    for (let round = 0; round < 8; round++) {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
      const message = randomBytes(round * 40);
      const signature = sign(null, message, privateKey);
      expect(web.ed25519Verifier(key)(message, signature)).toBe(true);
      const at = round * 8;
      signature[at] = (signature[at] ?? 0) ^ 0x10;
      expect(web.ed25519Verifier(key)(message, signature)).toBe(node.ed25519Verifier(key)(message, signature));
    }
  });

  it('refuses keys and signatures of another length', () => {
    const [key, , signature] = VECTORS[0];
    expect(web.ed25519Verifier(hex(key).subarray(1))(new Uint8Array(0), hex(signature))).toBe(false);
    expect(web.ed25519Verifier(hex(key))(new Uint8Array(0), hex(signature).subarray(1))).toBe(false);
    expect(web.ed25519Verifier(new Uint8Array(32).fill(0xff))(new Uint8Array(0), hex(signature))).toBe(false);
  });

  it('signs nothing', () => {
    expect(() => web.ed25519Signer(new Uint8Array(32))).toThrow('nothing is signed in a browser');
    expect(() => web.ed25519Seed()).toThrow('nothing is signed in a browser');
  });
});
