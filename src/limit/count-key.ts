/** Names of counts: 128 bits that tell nobody what is counted, the same in every process that has the key. */

import { createHmac, hkdfSync } from 'node:crypto';

/** Which count, and where it was last found. */
export interface CountKey {
  /** The four words of the name, 32 bits each, signed. */
  readonly words: Int32Array;
  /** Milliseconds that one cell of the count covers. */
  readonly width: number;
  /** Where it was found in the table, to be looked at first. Owned by the table. */
  at: number;
}

/** Returns the key of the count that is called `name` among those of `id`. */
export type KeyOf = (name: string) => CountKey;

/** Returns the key that counts are named under, from the deployment's own. */
export const nameKey = (recordingKey: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', recordingKey, '', 'sallyport limit counts v1', 32));

/** So many keys are remembered at once, of each id; the others are made again. */
const REMEMBERED = 4_096;

/** Returns what makes the keys of one kind of count. `id` says which: nothing else may have the same. */
export function keysOf(secret: Uint8Array, id: string, width: number): KeyOf {
  let young = new Map<string, CountKey>();
  let old = young;
  return (name) => {
    const known = young.get(name);
    if (known !== undefined) return known;
    const key = old.get(name) ?? { words: wordsOf(secret, id, name), width, at: 0 };
    if (young.size >= REMEMBERED) {
      old = young;
      young = new Map();
    }
    young.set(name, key);
    return key;
  };
}

/** HMAC-SHA-256, its first 128 bits; the length keeps the id and the name apart. */
function wordsOf(secret: Uint8Array, id: string, name: string): Int32Array {
  const digest = createHmac('sha256', secret).update(`${id.length}:${id}${name}`).digest();
  return Int32Array.from([0, 4, 8, 12], (at) => digest.readInt32LE(at));
}
