/** Session ids: 48 bits of wall-clock milliseconds and 80 random bits, so that they sort by time. */

/** Crockford's base32, lower case: no i, l, o, u. https://www.crockford.com/base32.html */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const VALUES: ReadonlyMap<string, number> = new Map(Array.from(ALPHABET, (char, value) => [char, value]));

/** How many bytes an id has in frames. */
export const ID_BYTES = 16;
/** How many of them are random, behind the time. */
const ID_RANDOM_BYTES = 10;

/** Writes the time of an id, `ms` since the epoch, in front of its random bytes at `at`. */
export function writeIdTime(to: Buffer, at: number, ms: number): void {
  to.writeUIntBE(ms, at, ID_BYTES - ID_RANDOM_BYTES);
}

/** Returns the 26 characters of the id whose 16 bytes stand in `bytes` at `at`: two zero bits, then the 128. */
export function showId(bytes: Uint8Array, at = 0): string {
  let text = '';
  let bits = 0;
  let held = 2;
  for (let index = at; index < at + ID_BYTES; index++) {
    bits = ((bits & 0x1f) << 8) | (bytes[index] ?? 0);
    for (held += 8; held >= 5; held -= 5) text += ALPHABET[(bits >> (held - 5)) & 0x1f];
  }
  return text;
}

/** Returns the 16 bytes of an id, or null when `text` is not one in the only form that is written. */
export function readId(text: string): Buffer | null {
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text)) return null;
  const bits = Array.from(text).reduce((sum, char) => (sum << 5n) | BigInt(VALUES.get(char) ?? 0), 0n);
  return Buffer.from(bits.toString(16).padStart(ID_BYTES * 2, '0'), 'hex');
}

/** Returns the wall-clock milliseconds that a 16-byte id says. */
export const idTime = (bytes: Buffer): number => bytes.readUIntBE(0, ID_BYTES - ID_RANDOM_BYTES);

/** Returns the smallest id that a session opened at `ms` (since the epoch) can have, as text. */
export function firstIdAt(ms: number): string {
  const bytes = Buffer.alloc(ID_BYTES);
  writeIdTime(bytes, 0, Math.max(0, ms));
  return showId(bytes);
}
