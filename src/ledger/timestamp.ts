/**
 * Time-stamps of checkpoints: RFC 3161, with RFC 5816. A token says that a hash existed at a time, signed by an authority
 * whose certificate the verifier has; what is hashed is the text of a checkpoint (C2SP tlog-checkpoint).
 */

import { type Checkpoint, checkpointText } from './checkpoint.ts';
import { sha256 } from './crypto.ts';
import { type Der, need, oidOf, partsOf, readDer, TAG, tagged, timeOf, writeDer, writeOid } from './der.ts';
import { sameBytes } from './hash.ts';
import { Malformed } from './malformed.ts';
import { encodeUtf8 } from './text.ts';

const OID = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  signedData: '1.2.840.113549.1.7.2',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  extendedKeyUsage: '2.5.29.37',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  rsa: '1.2.840.113549.1.1.1',
  ec: '1.2.840.10045.2.1',
} as const;

const HASHES: Readonly<Record<string, string>> = {
  [OID.sha1]: 'SHA-1',
  [OID.sha256]: 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
};

/** Signature algorithms that name their hash; the plain ones take that of the signer. */
const SIGNATURES: Readonly<Record<string, string | null>> = {
  [OID.rsa]: null,
  '1.2.840.113549.1.1.11': 'SHA-256',
  '1.2.840.113549.1.1.12': 'SHA-384',
  '1.2.840.113549.1.1.13': 'SHA-512',
  '1.2.840.10045.4.3.2': 'SHA-256',
  '1.2.840.10045.4.3.3': 'SHA-384',
  '1.2.840.10045.4.3.4': 'SHA-512',
};

/** Name and bytes of a coordinate of the curves that WebCrypto has. */
const CURVES: Readonly<Record<string, readonly [string, number]>> = {
  '1.2.840.10045.3.1.7': ['P-256', 32],
  '1.3.132.0.34': ['P-384', 48],
  '1.3.132.0.35': ['P-521', 66],
};

/** Returns what a time-stamp of a checkpoint is over. */
export const stampedHash = (checkpoint: Checkpoint): Uint8Array => sha256(encodeUtf8(checkpointText(checkpoint)));

const imprint = (hash: Uint8Array): Uint8Array =>
  writeDer(TAG.sequence, writeDer(TAG.sequence, writeOid(OID.sha256), writeDer(0x05)), writeDer(TAG.octets, hash));

/** Returns a request for a time-stamp of a SHA-256 hash. `nonce` is 8 bytes that come back in the token. */
export const timestampRequest = (hash: Uint8Array, nonce: Uint8Array): Uint8Array =>
  writeDer(TAG.sequence, writeDer(TAG.integer, Uint8Array.of(1)), imprint(hash), integer(nonce));

/** A positive number in its shortest form (X.690 §8.3). */
const integer = (bytes: Uint8Array): Uint8Array => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const shortest = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  return writeDer(TAG.integer, (shortest[0] ?? 0) < 0x80 ? shortest : Uint8Array.of(0, ...shortest));
};

/** Returns the token in an answer. Throws Malformed, with the status, when the authority refused. */
export const tokenOf = (answer: Uint8Array): Uint8Array => {
  const [info, token] = partsOf(readDer(answer), TAG.sequence);
  const [status] = partsOf(info, TAG.sequence);
  const code = need(status, TAG.integer).content;
  // RFC 3161 §2.4.2: granted, grantedWithMods
  if (code.length !== 1 || (code[0] ?? 2) > 1) throw new Malformed(`the authority refused with status ${code.toHex()}`);
  return need(token, TAG.sequence).bytes;
};

/** The certificate of an authority. */
export interface Authority {
  /** How it is named in reports: the first bytes of its SHA-256. */
  readonly name: string;
  readonly der: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly from: number;
  readonly until: number;
}

/** Returns the certificate in a PEM text. Throws Malformed when it is none, or none for time-stamps. */
export const parseAuthority = (pem: string): Authority => {
  const [, body] = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem) ?? [];
  if (body === undefined) throw new Malformed('it holds no certificate (PEM)');
  let der: Uint8Array;
  try {
    der = Uint8Array.fromBase64(body.replaceAll(/\s/g, ''));
  } catch (cause) {
    throw new Malformed('its certificate is not base64', { cause });
  }
  const [tbs] = partsOf(readDer(der), TAG.sequence);
  const fields = partsOf(tbs, TAG.sequence);
  // RFC 5280 §4.1: version is there in every certificate with extensions
  const [, , , , validity, , key] = fields;
  const [from, until] = partsOf(validity, TAG.sequence);
  checkUsage(fields);
  return {
    name: sha256(der).toHex().slice(0, 16),
    der,
    publicKey: need(key, TAG.sequence).bytes,
    from: timeOf(from),
    until: timeOf(until),
  };
};

/** RFC 3161 §2.3: its key is for time-stamping and nothing else, and it says so critically. */
const checkUsage = (fields: readonly Der[]): void => {
  const [list] = partsOf(
    fields.find(({ tag }) => tag === tagged(3)),
    tagged(3),
  );
  for (const extension of partsOf(list, TAG.sequence)) {
    const [id, critical, value] = partsOf(extension, TAG.sequence);
    if (oidOf(id) !== OID.extendedKeyUsage) continue;
    if (critical?.tag !== TAG.boolean || critical.content[0] !== 0xff) break;
    const usages = partsOf(readDer(need(value, TAG.octets).content), TAG.sequence).map(oidOf);
    if (usages.join() === OID.timeStamping) return;
  }
  throw new Malformed('its certificate is not one for time-stamping alone');
};

interface Signed {
  readonly content: Uint8Array;
  readonly signer: readonly Der[];
}

/** RFC 5652 §5.1: one signer over a TSTInfo. */
const signedOf = (token: Uint8Array): Signed => {
  const [type, wrapped] = partsOf(readDer(token), TAG.sequence);
  if (oidOf(type) !== OID.signedData) throw new Malformed('it is no signed data');
  const [data] = partsOf(wrapped, tagged(0));
  const parts = partsOf(data, TAG.sequence);
  const [contentType, content] = partsOf(parts[2], TAG.sequence);
  if (oidOf(contentType) !== OID.tstInfo) throw new Malformed('it is no time-stamp');
  const [octets] = partsOf(content, tagged(0));
  const [signer, ...others] = partsOf(parts.at(-1), TAG.set);
  if (others.length > 0) throw new Malformed('it has several signers');
  return { content: need(octets, TAG.octets).content, signer: partsOf(signer, TAG.sequence) };
};

const hashName = (der: Der | undefined): string => {
  const oid = oidOf(partsOf(der, TAG.sequence)[0]);
  const name = HASHES[oid];
  if (name === undefined) throw new Malformed(`it uses the hash ${oid}`);
  return name;
};

const digest = async (name: string, bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest(name, Uint8Array.from(bytes)));

/** Returns the one value of an attribute. */
const attribute = (attributes: Der, oid: string): Der | undefined => {
  for (const each of partsOf(attributes, tagged(0))) {
    const [id, values] = partsOf(each, TAG.sequence);
    if (oidOf(id) === oid) return partsOf(values, TAG.set)[0];
  }
  return undefined;
};

/** RFC 2634 §5.4, RFC 5035 §4: the signer names the certificate that it signs with by its hash. */
const checkCertificate = async (attributes: Der, { der }: Authority): Promise<void> => {
  const v2 = attribute(attributes, OID.signingCertificateV2);
  const v1 = attribute(attributes, OID.signingCertificate);
  const [list] = partsOf(v2 ?? v1, TAG.sequence);
  const [first] = partsOf(list, TAG.sequence);
  const parts = partsOf(first, TAG.sequence);
  const names = v2 !== undefined && parts[0]?.tag === TAG.sequence;
  let hash = v2 === undefined ? 'SHA-1' : 'SHA-256';
  if (names) hash = hashName(parts[0]);
  const own = await digest(hash, der);
  if (!sameBytes(need(parts[names ? 1 : 0], TAG.octets).content, own)) {
    throw new Malformed('it is signed with another certificate');
  }
};

/** The two numbers of an ECDSA signature one after the other, as WebCrypto wants them. */
const plainSignature = (der: Uint8Array, bytes: number): Uint8Array => {
  const plain = new Uint8Array(2 * bytes);
  for (const [at, number] of partsOf(readDer(der), TAG.sequence).slice(0, 2).entries()) {
    const { content } = need(number, TAG.integer);
    const digits = content[0] === 0 ? content.subarray(1) : content;
    if (digits.length > bytes) throw new Malformed('it has a signature that is too long');
    plain.set(digits, (at + 1) * bytes - digits.length);
  }
  return plain;
};

const isSigned = async (
  { publicKey }: Authority,
  hash: string,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> => {
  const [algorithm] = partsOf(readDer(publicKey), TAG.sequence);
  const [type, parameters] = partsOf(algorithm, TAG.sequence);
  const spki = Uint8Array.from(publicKey);
  const data = Uint8Array.from(message);
  if (oidOf(type) === OID.rsa) {
    const scheme = { name: 'RSASSA-PKCS1-v1_5', hash };
    const key = await crypto.subtle.importKey('spki', spki, scheme, false, ['verify']);
    return crypto.subtle.verify(scheme, key, Uint8Array.from(signature), data);
  }
  const [namedCurve, bytes] = (oidOf(type) === OID.ec ? CURVES[oidOf(parameters)] : undefined) ?? ['', 0];
  if (namedCurve === '') throw new Malformed('the certificate has a key of an unknown kind');
  const key = await crypto.subtle.importKey('spki', spki, { name: 'ECDSA', namedCurve }, false, ['verify']);
  const plain = Uint8Array.from(plainSignature(signature, bytes));
  return crypto.subtle.verify({ name: 'ECDSA', hash }, key, plain, data);
};

/** RFC 5652 §5.4: what is signed are the attributes, as a set. */
const checkSignature = async ({ content, signer }: Signed, authority: Authority): Promise<void> => {
  const attributes = need(signer[3], tagged(0));
  const hash = hashName(signer[2]);
  if (hash === 'SHA-1') throw new Malformed('it is signed over SHA-1');
  if (oidOf(attribute(attributes, OID.contentType)) !== OID.tstInfo) throw new Malformed('it signs something else');
  const signedDigest = need(attribute(attributes, OID.messageDigest), TAG.octets).content;
  if (!sameBytes(signedDigest, await digest(hash, content)))
    throw new Malformed('its signature is over something else');
  await checkCertificate(attributes, authority);
  const scheme = oidOf(partsOf(signer[4], TAG.sequence)[0]);
  const own = SIGNATURES[scheme];
  if (own === undefined) throw new Malformed(`it is signed with the algorithm ${scheme}`);
  const message = writeDer(TAG.set, attributes.content);
  const signature = need(signer[5], TAG.octets).content;
  if (!(await isSigned(authority, own ?? hash, signature, message)))
    throw new Malformed('its signature does not verify');
};

/** What a token says. */
export interface Stamp {
  /** When the hash existed, in ms since the epoch. */
  readonly at: number;
  /** Which authority says so. */
  readonly by: string;
}

/** What a verifier wants of a token. */
export interface StampWanted {
  /** The SHA-256 hash. */
  readonly hash: Uint8Array;
  /** The nonce of the request; null where it is not known any more. */
  readonly nonce: Uint8Array | null;
}

/** Resolves to what a token says. Rejects with Malformed unless the authority has signed exactly that. */
export const verifyTimestamp = async (token: Uint8Array, wanted: StampWanted, authority: Authority): Promise<Stamp> => {
  const signed = signedOf(token);
  await checkSignature(signed, authority);
  // RFC 3161 §2.4.2: version, policy, messageImprint, serialNumber, genTime, then what may be there
  const [version, , message, , time, ...more] = partsOf(readDer(signed.content), TAG.sequence);
  if (need(version, TAG.integer).content.toHex() !== '01') throw new Malformed('it is not of version 1');
  const [algorithm, hash] = partsOf(message, TAG.sequence);
  if (hashName(algorithm) !== 'SHA-256' || !sameBytes(need(hash, TAG.octets).content, wanted.hash)) {
    throw new Malformed('it is over another hash');
  }
  const nonce = more.find(({ tag }) => tag === TAG.integer);
  if (wanted.nonce !== null && (nonce === undefined || !sameBytes(nonce.bytes, integer(wanted.nonce)))) {
    throw new Malformed('it answers another request');
  }
  const at = timeOf(time);
  if (at < authority.from || at > authority.until)
    throw new Malformed('it is from outside the validity of its certificate');
  return { at, by: authority.name };
};
