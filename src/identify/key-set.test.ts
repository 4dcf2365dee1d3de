import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readKeySet, selectKey } from './key-set.ts';

const jwkOf = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }), kid: 'k1' });

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const okp = generateKeyPairSync('ed25519');

const print = (...keys: readonly unknown[]): string => readKeySet({ keys }).fingerprint;

/** Returns what one member becomes: its algorithms, or why it is ignored. */
const read = (member: unknown): string => {
  const { keys, ignored } = readKeySet({ keys: [member] });
  return keys[0]?.algorithms.join(' ') ?? String(ignored[0]);
};

describe('a key is good for what its type, curve and alg allow', () => {
  test('an RSA key without alg', () => {
    expect(read(jwkOf(rsa.publicKey))).toBe('RS256 RS384 RS512 PS256 PS384 PS512');
  });
  test('an RSA key with alg', () => {
    expect(read({ ...jwkOf(rsa.publicKey), alg: 'PS256' })).toBe('PS256');
  });
  test('an elliptic curve key', () => {
    expect(read(jwkOf(ec.publicKey))).toBe('ES256');
  });
  test('an Edwards curve key', () => {
    expect(read(jwkOf(okp.publicKey))).toBe('EdDSA Ed25519');
  });
  test('a key that says so of itself', () => {
    expect(read({ ...jwkOf(ec.publicKey), use: 'sig', key_ops: ['verify'], x5t: 'x', x5c: ['y'] })).toBe('ES256');
  });
});

describe('a member is not kept', () => {
  const good = jwkOf(ec.publicKey);
  test.each<[string, unknown, string]>([
    ['that is no object', 'key', 'not a key'],
    ['that is null', null, 'not a key'],
    ['that is a private EC key', jwkOf(ec.privateKey), 'private'],
    ['that is a private RSA key', jwkOf(rsa.privateKey), 'private'],
    ['that is a private Ed25519 key', jwkOf(okp.privateKey), 'private'],
    ['that is symmetric', { kty: 'oct', k: 'c2VjcmV0', kid: 'k1', alg: 'HS256' }, 'private'],
    ['without kid', { ...good, kid: undefined }, 'no kid'],
    ['with a kid that is no string', { ...good, kid: 1 }, 'no kid'],
    ['for encryption', { ...good, use: 'enc' }, 'not for signatures'],
    ['for other operations', { ...good, key_ops: ['encrypt'] }, 'not for signatures'],
    ['with key_ops of another shape', { ...good, key_ops: 'verify' }, 'not for signatures'],
    ['whose alg is for another curve', { ...good, alg: 'ES384' }, 'unsupported'],
    ['whose alg is for another type', { ...good, alg: 'RS256' }, 'unsupported'],
    ['whose alg is symmetric', { ...good, alg: 'HS256' }, 'unsupported'],
    ['whose alg is no string', { ...good, alg: ['ES256'] }, 'unsupported'],
    ['on a curve that no algorithm here uses', { ...good, crv: 'secp256k1' }, 'unsupported'],
    ['of an unknown type', { ...good, kty: 'AKP' }, 'unsupported'],
    ['whose point is not on its curve', { ...good, y: good['x'] }, 'invalid'],
    ['without coordinates', { ...good, x: undefined }, 'invalid'],
    ['with coordinates that are no strings', { ...good, x: 5 }, 'invalid'],
  ])('%s', (_, member, why) => {
    expect(read(member)).toBe(why);
  });

  test.each([1024, 1536])('that is an RSA key of %d bits', (modulusLength) => {
    expect(read(jwkOf(generateKeyPairSync('rsa', { modulusLength }).publicKey))).toBe('weak');
  });

  test('that is an RSA key too large to verify with quickly', () => {
    const n = Buffer.alloc(2048, 0xff).toString('base64url');
    expect(read({ kty: 'RSA', n, e: 'AQAB', kid: 'k1' })).toBe('weak');
  });

  test.each([
    ['one', 'AQ'],
    ['two', 'Ag'],
    ['an even number', 'AQAA'],
  ])('that is an RSA key whose exponent is %s', (_, e) => {
    expect(read({ ...jwkOf(rsa.publicKey), e })).not.toContain('RS256');
  });
});

describe('a set', () => {
  test('keeps its good keys beside bad ones', () => {
    const { keys, ignored } = readKeySet({ keys: [jwkOf(ec.publicKey), jwkOf(ec.privateKey), {}] });
    expect(keys).toHaveLength(1);
    expect(ignored).toEqual(['private', 'no kid']);
  });

  test.each([[null], [[]], [{}], [{ keys: null }], [{ keys: {} }], [{ keys: 'k' }]])('is not %j', (document) => {
    expect(() => readKeySet(document)).toThrow('expected a JWK Set');
  });

  test('of more than a hundred members is refused whole', () => {
    expect(readKeySet({ keys: Array.from({ length: 100 }, () => ({})) }).keys).toEqual([]);
    expect(() => readKeySet({ keys: Array.from({ length: 101 }, () => ({})) })).toThrow('at most 100');
  });

  test('has the same fingerprint exactly when its usable keys are the same', () => {
    const key = jwkOf(ec.publicKey);
    expect(print(key, {})).toBe(print({ ...key, x5t: 'x' }));
    expect(print(key)).not.toBe(print({ ...key, kid: 'k2' }));
    expect(print(key)).not.toBe(print({ ...jwkOf(okp.publicKey) }));
    expect(print(jwkOf(rsa.publicKey))).not.toBe(print({ ...jwkOf(rsa.publicKey), alg: 'RS256' }));
    expect(print(key)).not.toBe(print());
  });

  test('has one key for an id and an algorithm, or none', () => {
    const set = readKeySet({ keys: [jwkOf(ec.publicKey), jwkOf(rsa.publicKey)] });
    expect(selectKey(set, 'k1', 'ES256')?.key.asymmetricKeyType).toBe('ec');
    expect(selectKey(set, 'k1', 'RS256')?.key.asymmetricKeyType).toBe('rsa');
    expect(selectKey(set, 'k1', 'EdDSA')).toBeNull();
    expect(selectKey(set, 'k2', 'ES256')).toBeNull();
    const doubled = readKeySet({ keys: [jwkOf(ec.publicKey), jwkOf(ec.publicKey)] });
    expect(selectKey(doubled, 'k1', 'ES256')).toBeNull();
  });
});
