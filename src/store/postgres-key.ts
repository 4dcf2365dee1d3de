/**
 * The key under which all gateways on one database name what they count: of random bytes that the first of them leaves
 * there, and of what the operator gives all of them.
 */

import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Connection } from './postgres.ts';

/** Random bytes, and the proof of the key that is made of them. */
export interface KeptKey {
  readonly key: Buffer;
  readonly proof: Buffer;
}

/** Resolves to the one key of all gateways, made by the first of them. */
export async function sharedKey(connection: Connection, secret: string): Promise<Buffer> {
  const known = await keptKey(connection);
  if (known !== undefined) return provenKey(known, secret);
  const random = randomBytes(32);
  const make = 'INSERT INTO secret (key, proof) VALUES ($1, $2) ON CONFLICT DO NOTHING';
  await connection.query(make, [random, proofOf(keyOf(random, secret))]);
  const made = await keptKey(connection);
  if (made === undefined) throw new Error('expected the database to keep a key');
  return provenKey(made, secret);
}

/** Resolves to what the database keeps; undefined while no gateway was there. */
export const keptKey = async (connection: Connection): Promise<KeptKey | undefined> =>
  (await connection.query<KeptKey>('SELECT key, proof FROM secret')).rows[0];

const keyOf = (random: Buffer, secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', random, secret, 'sallyport shared counts v1', 32));

const proofOf = (key: Buffer): Buffer => createHmac('sha256', key).update('proof').digest();

/** Returns the key. Names made with another would be others: every limit would count for each gateway alone, and nobody notice. */
export function provenKey(kept: KeptKey, secret: string): Buffer {
  const key = keyOf(kept.key, secret);
  const proof = proofOf(key);
  if (kept.proof.length === proof.length && timingSafeEqual(kept.proof, proof)) return key;
  throw new Error('expected the store.postgres.key of the other gateways on this schema, found another');
}
