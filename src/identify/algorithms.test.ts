import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signingKey, signText, type TestAlgorithm } from '../../test/support/token-issuer.ts';
import { algorithmsFor, isAlgorithm, verifySignature } from './algorithms.ts';

describe.each<TestAlgorithm>(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])('%s', (alg) => {
  const key = signingKey('k1', alg);
  const publicKey = createPublicKey({ key: key.jwk, format: 'jwk' });
  const token = signText(key, '{}', '{}');
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')));
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');

  test('verifies what its key signed', () => {
    expect(verifySignature(alg, publicKey, signed, signature)).toBe(true);
  });

  test('verifies nothing else', () => {
    expect(verifySignature(alg, publicKey, Buffer.concat([signed, Buffer.from('.')]), signature)).toBe(false);
    for (const at of [0, signature.length >> 1, signature.length - 1]) {
      const changed = Buffer.from(signature);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(verifySignature(alg, publicKey, signed, changed)).toBe(false);
    }
  });

  test.each([0, 1, 63, 64, 65, 70, 95, 96, 97, 132, 255, 256, 257, 1024, 6000])(
    'is false, and no exception, for a signature of %d bytes',
    (length) => {
      for (const fill of [0, 1, 0xff])
        expect(verifySignature(alg, publicKey, signed, Buffer.alloc(length, fill))).toBe(false);
    },
  );
});

test('only asymmetric algorithms have a name here', () => {
  for (const name of ['none', 'HS256', 'dir', 'RSA-OAEP', 'constructor', '__proto__', ''])
    expect(isAlgorithm(name)).toBe(false);
  expect(algorithmsFor('oct', undefined, undefined)).toEqual([]);
  expect(algorithmsFor(undefined, undefined, undefined)).toEqual([]);
});
