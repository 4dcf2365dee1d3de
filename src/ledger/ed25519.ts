/**
 * Verifies Ed25519 signatures (RFC 8032 §5.1.7) in plain JavaScript, for browsers. Nothing in it is secret, so it need
 * not take the same time for everything; it never signs.
 */

import { sha512 } from './sha2.ts';

const P = 2n ** 255n - 19n;
/** The order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (a: bigint): bigint => {
  const rest = a % P;
  return rest < 0n ? rest + P : rest;
};

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
};

const invert = (a: bigint): bigint => power(a, P - 2n);
const D = mod(-121665n * invert(121666n));
const SQRT_M1 = power(2n, (P - 1n) / 4n);

/** Extended coordinates (§5.1.4): x = X/Z, y = Y/Z, x × y = T/Z. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const ZERO: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

const add = (p: Point, q: Point): Point => {
  const a = mod((p.y - p.x) * (q.y - q.x));
  const b = mod((p.y + p.x) * (q.y + q.x));
  const c = mod(2n * p.t * q.t * D);
  const d = mod(2n * p.z * q.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
};

const multiply = (p: Point, factor: bigint): Point => {
  let result = ZERO;
  let doubled = p;
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = add(result, doubled);
    doubled = add(doubled, doubled);
  }
  return result;
};

const fromLittleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);

/** Returns x for a y and the lowest bit of x, or null when there is none (§5.1.3). */
const recoverX = (y: bigint, sign: bigint): bigint | null => {
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  const square = mod(u * invert(v));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x) !== square) x = mod(x * SQRT_M1);
  if (mod(x * x) !== square || (x === 0n && sign === 1n)) return null;
  return (x & 1n) === sign ? x : mod(-x);
};

/** Returns the point that 32 bytes say, or null when they are not the one spelling of one. */
const decode = (bytes: Uint8Array): Point | null => {
  const number = fromLittleEndian(bytes);
  const y = number & (2n ** 255n - 1n);
  const x = y < P ? recoverX(y, number >> 255n) : null;
  return x === null ? null : { x, y, z: 1n, t: mod(x * y) };
};

const encode = ({ x, y, z }: Point): bigint => {
  const inverse = invert(z);
  return mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n);
};

const BASE_Y = mod(4n * invert(5n));
const BASE_X = recoverX(BASE_Y, 0n) ?? 0n;
const BASE: Point = { x: BASE_X, y: BASE_Y, z: 1n, t: mod(BASE_X * BASE_Y) };

/** Returns true when `signature` (64 bytes) over `message` is good under `publicKey` (32 bytes). */
export const verifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const key = decode(publicKey);
  const s = fromLittleEndian(signature.subarray(32));
  if (key === null || s >= L) return false;
  const r = signature.subarray(0, 32);
  const k = fromLittleEndian(sha512(Uint8Array.of(...r, ...publicKey, ...message))) % L;
  const minusKey = { ...key, x: mod(-key.x), t: mod(-key.t) };
  // R = [S]B - [k]A, compared as bytes: what OpenSSL does, and stricter than the equation with the cofactor
  return encode(add(multiply(BASE, s), multiply(minusKey, k))) === fromLittleEndian(r);
};
