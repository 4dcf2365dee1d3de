/** Addresses of Bitcoin and Ethereum, and private keys in their wallet form. */

import { createHash } from 'node:crypto';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { type Detector, phrases, re } from './detector.ts';
import { TOKEN_START, WORD_END } from './fragments.ts';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

const fromBase58 = (text: string): Buffer => {
  let value = 0n;
  for (const character of text) value = value * 58n + BigInt(BASE58.indexOf(character));
  const hex = value.toString(16);
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')]);
};

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Returns whether the last four bytes are the check of the others, and what they say is `length` bytes. */
const isBase58Check = (text: string, lengths: readonly number[]): boolean => {
  const bytes = fromBase58(text);
  const body = bytes.subarray(0, -4);
  return lengths.includes(body.length) && sha256(sha256(body)).subarray(0, 4).equals(bytes.subarray(-4));
};

// BIP 173 and BIP 350: the checksum's generator, and what it comes to.
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32_SUM = 1;
const BECH32M_SUM = 0x2bc830a3;

const isBech32 = (text: string): boolean => {
  const lower = text.toLowerCase();
  if (lower !== text && text.toUpperCase() !== text) return false;
  // The human-readable part `bc`, spread out.
  const values = [3, 3, 0, 2, 3, ...Array.from(lower.slice(3), (character) => BECH32.indexOf(character))];
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((generator, bit) => {
      if ((top >> bit) & 1) sum ^= generator;
    });
  }
  return sum === BECH32_SUM || sum === BECH32M_SUM;
};

/** EIP-55: a letter is a capital where the digit of the hash is 8 or more; all small or all capitals says nothing. */
const isEthereum = (match: string): boolean => {
  const address = match.slice(2);
  const lower = address.toLowerCase();
  if (new Set(lower).size < 6) return false;
  if (address === lower || address === address.toUpperCase()) return true;
  const hash = Buffer.from(keccak_256(Buffer.from(lower))).toString('hex');
  return Array.from(address).every((character, at) => {
    const isCapital = /[A-F]/.test(character);
    return !/[a-f]/i.test(character) || isCapital === Number.parseInt(hash.charAt(at), 16) >= 8;
  });
};

const whole =
  (is: (match: string) => boolean) =>
  (match: string): number =>
    is(match) ? match.length : 0;

/** Detectors of this family, in priority order. */
export const CRYPTO_ADDRESS: readonly Detector[] = [
  {
    kind: 'secret.bitcoin_wif',
    title: 'Bitcoin private key in wallet import format',
    pattern: re`${TOKEN_START}[5KL9c][1-9A-HJ-NP-Za-km-z]{50,51}${WORD_END}`,
    accept: whole((match) => isBase58Check(match, [33, 34])),
    score: 1,
  },
  {
    kind: 'secret.ethereum_key',
    title: 'Ethereum private key, behind words that say so',
    pattern: re`${TOKEN_START}(?:0x)?[0-9A-Fa-f]{64}${WORD_END}`,
    context: {
      words: phrases('private key, privatekey, wallet key, ethereum key, eth key, signing key'),
      required: true,
    },
    score: 0.85,
  },
  {
    kind: 'crypto_address.bitcoin',
    title: 'Bitcoin address (Base58Check or Bech32 checksum)',
    pattern: re`${TOKEN_START}[13][1-9A-HJ-NP-Za-km-z]{25,34}${WORD_END}`,
    accept: whole((match) => isBase58Check(match, [21])),
    score: 1,
  },
  {
    kind: 'crypto_address.bitcoin',
    title: 'Bitcoin address (Base58Check or Bech32 checksum)',
    pattern: re`${TOKEN_START}(?:bc1[02-9ac-hj-np-z]{11,71}|BC1[02-9AC-HJ-NP-Z]{11,71})${WORD_END}`,
    accept: whole(isBech32),
    score: 1,
  },
  {
    kind: 'crypto_address.ethereum',
    title: 'Ethereum address (EIP-55 checksum where it has capitals)',
    pattern: re`${TOKEN_START}0x[0-9A-Fa-f]{40}${WORD_END}`,
    accept: whole(isEthereum),
    score: 0.9,
  },
];
