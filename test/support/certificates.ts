/** X.509 certificates for tests, made on the spot (RFC 5280): a root, and leaves that it signs. */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate with its private key, both in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a test's own. */
export interface Authority extends Certificate {
  /** Returns a leaf for this name and 127.0.0.1. */
  issue(name: string): Certificate;
}

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(4, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x82]), length, body]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const octets = (bytes: Buffer): Buffer => der(0x04, bytes);
const bits = (bytes: Buffer): Buffer => der(0x03, Buffer.from([0]), bytes);
const time = (text: string): Buffer => der(0x18, Buffer.from(text));

const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const named = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(name)))));
const extension = (id: Buffer, value: Buffer): Buffer => sequence(id, octets(value));
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
const ALTERNATIVE_NAMES = oid(0x55, 0x1d, 0x11);
const IS_CA = extension(BASIC_CONSTRAINTS, sequence(der(0x01, Buffer.from([0xff]))));
const alternativeNames = (name: string): Buffer =>
  extension(ALTERNATIVE_NAMES, sequence(der(0x82, Buffer.from(name)), der(0x87, Buffer.from([127, 0, 0, 1]))));

const pem = (kind: string, bytes: Buffer): string =>
  `-----BEGIN ${kind}-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END ${kind}-----\n`;

interface Names {
  readonly issuer: string;
  readonly subject: string;
}

function make(
  { issuer, subject }: Names,
  extra: Buffer,
  signer: KeyObject | null,
): Certificate & { readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_SHA256,
    named(issuer),
    sequence(time('20200101000000Z'), time('21200101000000Z')),
    named(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extra)),
  );
  const signature = sign('sha256', body, signer ?? privateKey);
  return {
    cert: pem('CERTIFICATE', sequence(body, ECDSA_SHA256, bits(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    privateKey,
  };
}

/** Returns a new authority. */
export function createAuthority(name = 'test authority'): Authority {
  const { cert, key, privateKey } = make({ issuer: name, subject: name }, IS_CA, null);
  return {
    cert,
    key,
    issue(subject) {
      const leaf = make({ issuer: name, subject }, alternativeNames(subject), privateKey);
      return { cert: leaf.cert, key: leaf.key };
    },
  };
}
