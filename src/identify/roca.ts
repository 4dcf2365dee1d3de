/** Recognises RSA keys whose primes an Infineon library chose too regularly (CVE-2017-15361, "ROCA"). */

/** Such a modulus is a power of 65537 modulo each of these; another modulus is so for all of them once in 2^27. */
const PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157] as const;
const GENERATOR = 65537;

const powers = (prime: number): ReadonlySet<number> => {
  const found = new Set<number>();
  for (let power = 1; !found.has(power); power = (power * GENERATOR) % prime) found.add(power);
  return found;
};

const FINGERPRINT: readonly (readonly [number, ReadonlySet<number>])[] = PRIMES.map((prime) => [prime, powers(prime)]);

/** Returns true when the modulus (big-endian) bears the fingerprint: its private key can be computed from it. */
export const isRoca = (modulus: Buffer): boolean => {
  const n = BigInt(`0x${modulus.toString('hex')}`);
  return FINGERPRINT.every(([prime, residues]) => residues.has(Number(n % BigInt(prime))));
};
