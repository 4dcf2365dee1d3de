/** What records tell of a value that was found: a digest that only the deployment can make. */

import { createHmac, type Hmac } from 'node:crypto';
import { entityOf } from './detector.ts';

/** 16 hex digits, 64 bits: two values in four billion share a digest. */
const DIGITS = 16;

/** Returns what digests the pieces of a value of this kind: `update` takes them as UTF-16. */
export const beginDigest = (key: Uint8Array, kind: string): Hmac =>
  // The entity's name keeps digests of equal texts of different entities apart; NUL ends it.
  createHmac('sha256', key).update(`${entityOf(kind).toUpperCase()}\0`);

/**
 * Returns the digest of a found value, the same as the operator `hash` writes: equal values can be joined, and nobody
 * without the key can try values out.
 */
export const valueDigest = (key: Uint8Array, kind: string, value: string): string =>
  endDigest(beginDigest(key, kind).update(value, 'utf16le'));

/** Returns what stands for the value whose pieces were digested. */
export const endDigest = (digest: Hmac): string => digest.digest('hex').slice(0, DIGITS);
