/**
 * Keeps the upstream's credential out of an answer: an upstream that echoes its request (error pages do) must not
 * hand it to a caller (promise 8). Works on bytes, whatever the protocol, and holds back only a possible beginning.
 */

const STARS = (length: number): Buffer => Buffer.alloc(length, 0x2a);

/** Passes chunks of one answer; chunks without the secret leave as they came. */
export interface SecretGuard {
  /** Returns what may leave now; possibly empty. */
  push(chunk: Buffer): Buffer;
  /** Returns what was held back at the end. */
  end(): Buffer;
}

const NOTHING = Buffer.alloc(0);

/** Returns a guard for `secret`, or null when there is none to keep. The secret's bytes are overwritten by `*`, so lengths stay true. */
export function guardSecret(secret: string): SecretGuard | null {
  if (secret === '') return null;
  const needle = Buffer.from(secret);
  let held = NOTHING;
  return {
    push(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      held = NOTHING;
      const clean = blot(bytes, needle);
      const keep = heldLength(clean, needle);
      if (keep === 0) return clean;
      held = Buffer.from(clean.subarray(clean.length - keep));
      return clean.subarray(0, clean.length - keep);
    },
    end() {
      const rest = held;
      held = NOTHING;
      return rest;
    },
  };
}

function blot(bytes: Buffer, needle: Buffer): Buffer {
  let at = bytes.indexOf(needle);
  if (at === -1) return bytes;
  const copy = Buffer.from(bytes);
  for (; at !== -1; at = copy.indexOf(needle, at)) STARS(needle.length).copy(copy, at);
  return copy;
}

/** How many bytes at the end are a proper beginning of the needle. */
function heldLength(bytes: Buffer, needle: Buffer): number {
  const first = needle[0];
  for (let length = Math.min(needle.length - 1, bytes.length); length > 0; length--) {
    const start = bytes.length - length;
    if (bytes[start] === first && bytes.subarray(start).equals(needle.subarray(0, length))) return length;
  }
  return 0;
}
