/** Project Wycheproof's JOSE vectors against the compact form, the key reader and the signature check. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isAlgorithm, verifySignature } from './algorithms.ts';
import { readJws } from './jws.ts';
import { readKeySet, selectKey } from './key-set.ts';
import { Refusal } from './refusal.ts';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly jws?: string;
  readonly jwe?: string;
  readonly result: 'valid' | 'invalid';
}

interface Group {
  readonly comment: string;
  readonly public?: object;
  readonly private: object;
  readonly tests: readonly Vector[];
}

const folder = process.env['SALLYPORT_VECTORS'];

/**
 * 367 and 370 claim to be invalid for their padding and have none; 372 and 373 claim to be valid and have a
 * character that is not base64url.
 */
const MISLABELLED: ReadonlySet<number> = new Set([367, 370, 372, 373]);

/** The RSA and ECDSA examples of RFC 7520 whose keys are published for another algorithm, or for "ES521", which is none. */
const KEY_FOR_ANOTHER_ALG: ReadonlySet<number> = new Set([346, 347, 350, 351]);

const load = (name: string): readonly Group[] => {
  const file = join(folder ?? '', 'wycheproof', name);
  if (folder === undefined || !existsSync(file)) return [];
  const { testGroups }: { readonly testGroups: readonly Group[] } = JSON.parse(readFileSync(file, 'utf8'));
  return testGroups;
};

/** A group has one JWK or a set of them. */
const keysOf = ({ public: published, private: secret }: Group): unknown => {
  const jwk = published ?? secret;
  return 'keys' in jwk ? jwk : { keys: [jwk] };
};

const verifies = (group: Group, token: string): boolean => {
  const jws = readJws(token);
  if (jws instanceof Refusal || !isAlgorithm(jws.alg)) return false;
  const key = selectKey(readKeySet(keysOf(group)), jws.kid, jws.alg);
  return key !== null && verifySignature(jws.alg, key.key, jws.signed, jws.signature);
};

const isSymmetric = (token: string): boolean => {
  const jws = readJws(token);
  return !(jws instanceof Refusal) && jws.alg.startsWith('HS');
};

const files = ['json_web_signature.json', 'json_web_key.json', 'json_web_crypto.json', 'json_web_encryption.json'];

if (load(files[0] ?? '').length === 0) {
  console.warn(
    'Wycheproof vectors: not run. Hint: SALLYPORT_VECTORS=FOLDER, with C2SP/wycheproof testvectors_v1/json_web_*.json in FOLDER/wycheproof',
  );
  test('vectors: not run, set SALLYPORT_VECTORS', () => {
    expect(load(files[0] ?? '')).toEqual([]);
  });
}

describe.each(files.filter((name) => load(name).length > 0))('%s', (name) => {
  const groups = load(name);

  test('what is valid and asymmetric verifies; what is invalid, symmetric or encrypted does not', () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const group of groups) {
      for (const { tcId, comment, jws, jwe, result } of group.tests) {
        if (name === 'json_web_signature.json' && MISLABELLED.has(tcId)) continue;
        const token = jws ?? jwe;
        if (typeof token !== 'string') continue;
        seen++;
        const isOurs = jws !== undefined && !isSymmetric(token);
        const stricter = name === 'json_web_signature.json' && KEY_FOR_ANOTHER_ALG.has(tcId);
        const expected = result === 'valid' && isOurs && !stricter;
        if (verifies(group, token) !== expected) wrong.push(`${tcId} ${group.comment} ${comment}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(20);
  });
});

const base64 = load('json_web_signature.json').find(({ comment }) => comment === 'base64')?.tests ?? [];

test.each(base64.filter(({ tcId }) => !MISLABELLED.has(tcId)))(
  'the base64url of a token has one spelling: $tcId $comment',
  ({ jws = '', result }) => {
    expect(readJws(jws) instanceof Refusal).toBe(result === 'invalid');
  },
);
