/** Keys, tokens and passwords. What their issuers publish about the form of each stands beside it. */

import { crc32 } from 'node:zlib';
import { type Detector, re, rei } from './detector.ts';
import { SEPARATOR } from './assignments.ts';
import { TOKEN, TOKEN_START } from './fragments.ts';
import { isFiller, looksRandom } from './randomness.ts';

/** Accepts what has a digit, or small and capital letters: a slug such as `sk-proj-my-first-project` has neither. */
const acceptMixed = (match: string): number => {
  const token = match.slice(match.lastIndexOf('-', 12) + 1);
  if (isFiller(match)) return 0;
  return /\d/.test(token) || (/[a-z]/.test(token) && /[A-Z]/.test(token)) ? match.length : 0;
};

const acceptDrawn = (match: string): number => (isFiller(match) ? 0 : match.length);

const acceptRandom = (match: string): number => (looksRandom(match) ? match.length : 0);

/** Base64url of `{"`, `{ ` and `{` with a line break: how a JOSE header in JSON begins (RFC 7515 §3.1). */
const JOSE_START = '(?:eyJ|eyA|ewo|ew0)';

const acceptJwt = (match: string): number => {
  const [header = ''] = match.split('.', 1);
  const json = Buffer.from(header, 'base64url').toString('latin1');
  return /^\{\s*"/.test(json) && /"(?:alg|enc|typ|kid|x5c|jku|cty)"\s*:/.test(json) ? match.length : 0;
};

/** A user and a password, not two ids: `-u 1000:1000`. */
const acceptUserinfo = (match: string): number => {
  const password = match.slice(match.indexOf(':') + 1);
  return /[A-Za-z]/.test(password) && /[^a-z]/.test(password) && !isFiller(password) ? match.length : 0;
};

/** The beginning of a JOSE header behind two layers of base64: the inner one begins with `eyJ`. */
const acceptTwice = (match: string): number => {
  const inner = Buffer.from(match, 'base64').toString('latin1');
  return /^eyJ[A-Za-z0-9_-]{10,}/.test(inner) &&
    Buffer.from(inner.slice(0, 12), 'base64').toString('latin1').startsWith('{"')
    ? match.length
    : 0;
};

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The last six of the 36 units are the CRC-32 of the rest in base62 (GitHub, "Behind GitHub's new token formats"). */
const githubScore = (match: string): number => {
  if (match.startsWith('github_pat_')) return 1;
  const token = match.slice(match.indexOf('_') + 1);
  let checksum = '';
  for (let rest = crc32(token.slice(0, 30)); checksum.length < 6; rest = Math.floor(rest / 62)) {
    checksum = BASE62.charAt(rest % 62) + checksum;
  }
  return token.slice(30, 36) === checksum ? 1 : 0.9;
};

/** Detectors of this family, in priority order. */
export const SECRETS: readonly Detector[] = [
  {
    kind: 'secret.private_key',
    // RFC 7468 §10 and 11, RFC 1421 §4.4, RFC 4880 §6.2: the label, then headers or base64, whatever quoting is between.
    pattern: re`-----BEGIN (?:(?:[A-OQ-Z0-9][A-Z0-9]{0,15}|PGP|SSH2 ENCRYPTED) )?PRIVATE KEY(?: BLOCK)?-----(?:\\{1,4}[nrt]|[^A-Za-z0-9\\]){1,40}(?:[A-Za-z0-9][A-Za-z0-9+\/]{15}|[A-Z][A-Za-z-]{2,12}:)`,
    swallow: { until: /-----END [A-Z0-9 ]{1,40}-----/ },
    score: 1,
  },
  {
    kind: 'secret.jwt',
    // RFC 7519 §3; RFC 7516 §3.1 has an empty second part with direct encryption.
    pattern: re`${TOKEN_START}${JOSE_START}(?:[${TOKEN}]{8,240}\.(?:[${TOKEN}]{4}|\.)|[${TOKEN}]{241})`,
    accept: acceptJwt,
    swallow: { while: `${TOKEN}.` },
    score: 1,
  },
  {
    kind: 'secret.jwt',
    // The same in base64 once more, as Kubernetes secrets and some CI systems keep it.
    pattern: re`${TOKEN_START}ZXlK[A-Za-z0-9+\/]{60}`,
    accept: acceptTwice,
    swallow: { while: 'A-Za-z0-9+/=' },
    score: 0.95,
  },
  {
    kind: 'secret.anthropic',
    pattern: re`${TOKEN_START}sk-ant-[a-z]{2,10}\d{2}-[${TOKEN}]{20}`,
    accept: acceptDrawn,
    swallow: { while: TOKEN },
    score: 1,
  },
  {
    kind: 'secret.openai',
    pattern: re`${TOKEN_START}sk-(?:(?:proj|svcacct|admin|None)-[${TOKEN}]{40}|[A-Za-z0-9]{32})`,
    accept: acceptMixed,
    swallow: { while: TOKEN },
    score: 0.95,
  },
  {
    kind: 'secret.github',
    pattern: re`gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}`,
    accept: acceptDrawn,
    swallow: { while: TOKEN },
    score: githubScore,
  },
  {
    kind: 'secret.gitlab',
    pattern: re`${TOKEN_START}(?:gl(?:pat|dt|rt|rtr|ptt|cbt|soat|ft|imt|agent|ffct|oas)-|GR1348941)[${TOKEN}]{20}`,
    accept: acceptDrawn,
    swallow: { while: `${TOKEN}.` },
    score: 1,
  },
  {
    kind: 'secret.slack',
    pattern: re`${TOKEN_START}(?:xox[abcdeoprs](?:\.xox[bp])?-(?:\d{1,2}-[A-Za-z0-9]{10}|\d{6}|[A-Za-z0-9]{20})|xapp-\d-[A-Z0-9]{6}|(?<=hooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Za-z0-9]{6}[A-Za-z0-9\/]{10})`,
    swallow: { while: `${TOKEN}/` },
    score: 1,
  },
  {
    kind: 'secret.stripe',
    pattern: re`${TOKEN_START}(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16}|whsec_[A-Za-z0-9+\/]{24})`,
    accept: acceptDrawn,
    swallow: { while: `${TOKEN}+/=` },
    score: 1,
  },
  {
    kind: 'secret.huggingface',
    // 34 and no more: `hf_` begins names in code too, and those have other lengths.
    pattern: re`${TOKEN_START}(?:hf_|api_org_)[A-Za-z0-9]{34}(?![A-Za-z0-9_])`,
    accept: acceptDrawn,
    score: 1,
  },
  {
    kind: 'secret.npm',
    pattern: re`${TOKEN_START}npm_[A-Za-z0-9]{36}`,
    accept: acceptDrawn,
    swallow: { while: TOKEN },
    score: 1,
  },
  {
    kind: 'secret.aws',
    // IAM identifiers: four letters for the kind of key, then base32 (AWS, "IAM identifiers").
    pattern: re`${TOKEN_START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}`,
    accept: acceptDrawn,
    swallow: { while: 'A-Z0-9' },
    score: 0.95,
  },
  {
    kind: 'secret.aws',
    pattern: rei`(?<=secret[_ -]?(?:access[_ -]?)?key${SEPARATOR})[a-z0-9\/+]{40}`,
    swallow: { while: 'A-Za-z0-9/+=' },
    score: 0.95,
  },
  {
    kind: 'secret.gcp',
    pattern: re`${TOKEN_START}(?:AIza[${TOKEN}]{35}|ya29\.[${TOKEN}.]{20}|GOCSPX-[${TOKEN}]{20})`,
    accept: acceptDrawn,
    swallow: { while: `${TOKEN}.` },
    score: 1,
  },
  {
    kind: 'secret.azure',
    // Storage and bus keys in connection strings, signatures of shared access.
    pattern: rei`(?<=(?:accountkey|sharedaccesskey)=|[?&]sig=)[a-z0-9+\/%]{40}`,
    swallow: { while: 'A-Za-z0-9+/%=' },
    score: 1,
  },
  {
    kind: 'secret.azure',
    // Entra ID client secrets: three units, a digit, the mark Q~.
    pattern: re`(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31}`,
    accept: acceptDrawn,
    swallow: { while: 'A-Za-z0-9_~.-' },
    score: 1,
  },
  {
    kind: 'secret.basic',
    // RFC 7617 §2.
    pattern: rei`(?<=authorization["']?\s{0,2}[:=]\s{0,2}["']?basic )[a-z0-9+\/]{8}`,
    swallow: { while: 'A-Za-z0-9+/=' },
    score: 0.95,
  },
  {
    kind: 'secret.basic',
    title: 'user and password of a command, as curl takes them',
    pattern: rei`(?<= (?:-u|--user) ["']?)[a-z0-9._@-]{1,64}:[^\s"'\u0060$][^\s"'\u0060]{3,127}`,
    accept: acceptUserinfo,
    score: 0.8,
  },
  {
    kind: 'secret.bearer',
    // A scheme of its own, or none (RFC 9110 §11.6.2 wants one).
    pattern: rei`(?<=authorization["']?\s{0,2}[:=]\s{0,2}["']?(?:[a-z-]{3,12} )?)[a-z0-9._~+\/-]{24}`,
    accept: acceptRandom,
    swallow: { while: 'A-Za-z0-9._~+/=-' },
    score: 0.85,
  },
  {
    kind: 'secret.bearer',
    // RFC 6750 §2.1.
    pattern: rei`(?<=bearer {1,2})[a-z0-9._~+\/-]{20}`,
    accept: acceptRandom,
    swallow: { while: 'A-Za-z0-9._~+/=-' },
    score: 0.9,
  },
];
