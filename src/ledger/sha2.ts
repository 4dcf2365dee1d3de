/** SHA-256 and SHA-512 (FIPS 180-4) in plain JavaScript: for where there is no synchronous hash, a browser. */

/** The first `count` primes. */
const primes = (count: number): readonly number[] => {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
};

const MASK = (1n << 64n) - 1n;

/** Returns the largest whole number whose `degree`-th power is not above `value`. */
const root = (value: bigint, degree: bigint): bigint => {
  let low = 0n;
  let high = 1n << (BigInt(value.toString(2).length) / degree + 1n);
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= value) low = middle;
    else high = middle;
  }
  return low;
};

/** The first 64 bits of the fraction of the `degree`-th root of a prime: where FIPS 180-4 §4.2 and §5.3 get their constants. */
const fraction = (prime: number, degree: bigint): bigint => root(BigInt(prime) << (64n * degree), degree) & MASK;

const K512 = primes(80).map((prime) => fraction(prime, 3n));
const H512 = primes(8).map((prime) => fraction(prime, 2n));
// §4.2.2, §5.3.3: the same fractions, their first 32 bits.
const K256 = Int32Array.from(K512.slice(0, 64), (k) => Number(BigInt.asIntN(32, k >> 32n)));
const H256 = Int32Array.from(H512, (h) => Number(BigInt.asIntN(32, h >> 32n)));

/** §5.1: the message, a one bit, zeros, and its length in bits, in whole blocks. */
const padded = (bytes: Uint8Array, block: number, lengthBytes: number): DataView => {
  const view = new Uint8Array(Math.ceil((bytes.length + 1 + lengthBytes) / block) * block);
  view.set(bytes);
  view[bytes.length] = 0x80;
  const data = new DataView(view.buffer);
  data.setBigUint64(view.length - 8, BigInt(bytes.length) * 8n);
  return data;
};

const rotate32 = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** One block of SHA-256 (§6.2.2). `w` is room for the schedule. */
const block256 = (h: Int32Array, data: DataView, at: number, w: Int32Array): void => {
  for (let t = 0; t < 16; t++) w[t] = data.getInt32(at + t * 4);
  for (let t = 16; t < 64; t++) {
    const a = w[t - 15] ?? 0;
    const b = w[t - 2] ?? 0;
    const s0 = rotate32(a, 7) ^ rotate32(a, 18) ^ (a >>> 3);
    const s1 = rotate32(b, 17) ^ rotate32(b, 19) ^ (b >>> 10);
    w[t] = (w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, i = 0] = h;
  for (let t = 0; t < 64; t++) {
    const s1 = rotate32(e, 6) ^ rotate32(e, 11) ^ rotate32(e, 25);
    const t1 = (i + s1 + ((e & f) ^ (~e & g)) + (K256[t] ?? 0) + (w[t] ?? 0)) | 0;
    const s0 = rotate32(a, 2) ^ rotate32(a, 13) ^ rotate32(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [i, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  for (const [n, word] of [a, b, c, d, e, f, g, i].entries()) h[n] = (h[n] ?? 0) + word;
};

/** Returns the 32 bytes of SHA-256 over `bytes`. */
export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const data = padded(bytes, 64, 8);
  const h = H256.slice();
  const w = new Int32Array(64);
  for (let at = 0; at < data.byteLength; at += 64) block256(h, data, at, w);
  const digest = new DataView(new ArrayBuffer(32));
  for (const [n, word] of h.entries()) digest.setInt32(n * 4, word);
  return new Uint8Array(digest.buffer);
};

const rotate64 = (x: bigint, n: bigint): bigint => ((x >> n) | (x << (64n - n))) & MASK;

/** One block of SHA-512 (§6.4.2). */
const block512 = (h: bigint[], data: DataView, at: number): void => {
  const w: bigint[] = [];
  for (let t = 0; t < 16; t++) w.push(data.getBigUint64(at + t * 8));
  for (let t = 16; t < 80; t++) {
    const x = w[t - 15] ?? 0n;
    const y = w[t - 2] ?? 0n;
    const s0 = rotate64(x, 1n) ^ rotate64(x, 8n) ^ (x >> 7n);
    const s1 = rotate64(y, 19n) ^ rotate64(y, 61n) ^ (y >> 6n);
    w.push(((w[t - 16] ?? 0n) + s0 + (w[t - 7] ?? 0n) + s1) & MASK);
  }
  let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, i = 0n] = h;
  for (let t = 0; t < 80; t++) {
    const s1 = rotate64(e, 14n) ^ rotate64(e, 18n) ^ rotate64(e, 41n);
    const t1 = i + s1 + ((e & f) ^ (~e & MASK & g)) + (K512[t] ?? 0n) + (w[t] ?? 0n);
    const s0 = rotate64(a, 28n) ^ rotate64(a, 34n) ^ rotate64(a, 39n);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    [i, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK, c, b, a, (t1 + t2) & MASK];
  }
  for (const [n, word] of [a, b, c, d, e, f, g, i].entries()) h[n] = ((h[n] ?? 0n) + word) & MASK;
};

/** Returns the 64 bytes of SHA-512 over `bytes`. For short messages: it counts in bigints. */
export const sha512 = (bytes: Uint8Array): Uint8Array => {
  const data = padded(bytes, 128, 16);
  const h = [...H512];
  for (let at = 0; at < data.byteLength; at += 128) block512(h, data, at);
  const digest = new DataView(new ArrayBuffer(64));
  for (const [n, word] of h.entries()) digest.setBigUint64(n * 8, word);
  return new Uint8Array(digest.buffer);
};
