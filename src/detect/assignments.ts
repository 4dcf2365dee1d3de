/** Secrets without a form of their own, behind a word that says what they are: `password: …`, `api_key = "…"`. */

import { type Detector, phrases, re, rei } from './detector.ts';
import { isFiller, looksRandom } from './randomness.ts';

const QUOTE = String.raw`\\{0,2}["'\u0060]`;
const NAME_END = String.raw`\\{0,2}["'\]]{0,2}`;
/** What assigns a value: `=`, `:`, `=>`, `":"`, quotation marks and their escapes. */
export const SEPARATOR = String.raw`${NAME_END}[ \t]{0,2}(?:=>|:=|[:=]|%3D)[ \t]{0,2}(?:${QUOTE})?`;
/** Only the quoted kind. */
const QUOTING = String.raw`${NAME_END}[ \t]{0,2}(?:=>|:=|[:=])[ \t]{0,2}${QUOTE}`;

/*
 * What else stands between a name and its value. Each is a detector of its own: the scan finds the places of one by what
 * is rare about it, and of all of them together by nothing.
 */
/** What makefiles, PHP and their like put ahead of an equals sign: `?=`, `::=`, `.=`. */
const OPERATED = String.raw`[ \t]?[?.+:|]{1,3}=[ \t]?(?:${QUOTE})?`;
/** The type that a language wants there, as its formatter leaves it: Go, Kotlin, TypeScript, Swift. */
const TYPED = String.raw`:? string = ["'\u0060]`;
/** The value is the next argument or member: `set("token", "…")`. */
const NEXT = String.raw`\\{0,2}["'], ?${QUOTE}`;
/** The value is the member or attribute that says so: `"name":"token","value":"…"`, `key="token" value="…"`. */
const VALUE_OF = String.raw`\\{0,2}["'],?\s{0,12}\\{0,2}["']?value${NAME_END} ?[:=] ?${QUOTE}`;
/** The text of an element in XML, on a line of its own. */
const ELEMENT = String.raw`>\r?\n[ \t]{1,16}`;

const PASSWORD_WORDS = String.raw`(?:password|passwd|passphrase|passcode|pwd|passwort|kennwort|mot de passe|mdp|contrase(?:ñ|n)a|senha|palavra-passe|has(?:ł|l)o|wachtwoord|[^a-z]pass)`;
const KEYS = String.raw`(?:api|access|auth|client|private|secret|signing|encryption|master|session|service|app|account|shared|storage|admin|webhook|bot|deploy|refresh|bearer|oauth|jwt|license|subscription|integration|consumer|application|user|personal|hmac|aes|crypto)[_ -]?(?:key|token|secret)`;
const KEY_WORDS = String.raw`(?:${KEYS}|secret(?:[_ -]?key)?(?:[_ -]?base)?|token|credentials?|${PASSWORD_WORDS})`;
/** Tokens that are places in a list or pieces of a text, not secrets. */
const OTHER_TOKENS = String.raw`(?:page|next|previous|continuation|sync|eos|bos|pad|unk|stop|cancellation|public)[_-]?token`;

/** Values that programs compute, and names of values. */
const CODE =
  /^(?:null|none|nil|true|false|undefined|string|required|optional|function|await|self|this|props|process|config|settings|env|os|req|request|res|input|params|options|args|data|form|user|vault|ref|number|boolean|object|bytes|buffer|uint8array|arraybuffer|secretstr|optional|any)\b/i;
const EXPRESSION =
  /[()[\]{}<>]|^\$|^%\w+%$|^@|=>|\|\||&&|::|->|\?\.|^[!+][A-Za-z_$][\w$]*\.|^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/;
/** Numbers in hex, and formats that somebody fills in. */
const NUMBER_OR_FORMAT = /^(?:0x[0-9A-Fa-f]{1,8}|(?:%[sdvr]|\{\d?\}|[:@/])+)$/;
/** `TestVet/3`: names of tests, files and routes. */
const PATH = /^[A-Za-z][\w.-]*(?:\/[\w.:+-]+)+$/;
/** Identifiers that say themselves that they name a key. */
const NAME_OF_SECRET = /^[A-Za-z_$][A-Za-z0-9_$]*(?:Key|Token|Secret|Password|Config|Credentials?)$/;
/** Hashes that say so: of packages (W3C Subresource Integrity §3.1), and of Go modules. */
const NAMED_HASH = /^(?:sha(?:256|384|512)-|h1:)/;
/** Words that stand where a password would, in forms, schemas and documentation. */
const ABOUT = /pass(?:word|wd|phrase)|secret|token|credential|kennwort|passwort|contrase|senha|example|^[A-Z][A-Z_]+$/i;

const isStandIn = (value: string): boolean =>
  CODE.test(value) || EXPRESSION.test(value) || NUMBER_OR_FORMAT.test(value) || /^\W+$/.test(value);

/** Returns whether a value looks drawn at random and does not say that it is something else. */
const isDrawn = (value: string): boolean =>
  looksRandom(value) && !isFiller(value) && !NAME_OF_SECRET.test(value) && !NAMED_HASH.test(value);

/** `s.` and 24 signs that no name has: what looks like a member of something is a token (HashiCorp Vault's first form). */
const isDotted = (value: string): boolean => {
  const last = value.slice(value.lastIndexOf('.') + 1);
  return last.length >= 20 && (last.match(/\d/g)?.length ?? 0) >= 2 && looksRandom(last);
};

const acceptRandom = (match: string): number =>
  isDrawn(match) && (!EXPRESSION.test(match) || isDotted(match)) ? match.length : 0;

/** Capitals, small letters and digits, or enough hex digits, in no order. */
const acceptDrawn = (match: string): number => {
  const varied = /[a-z]/.test(match) && /[A-Z]/.test(match) && /\d/.test(match);
  const drawn = varied || /^(?:[0-9a-f]{32,}|[0-9A-F]{32,})$/.test(match);
  return drawn && isDrawn(match) ? match.length : 0;
};

const KEY_PHRASES = phrases(
  'api key, api token, api secret, secret key, client secret, app secret, access token, access key, auth token, bearer token',
  'refresh token, signing key, encryption key, shared secret, webhook secret, secret token, private token, secret, credential',
  'API-Schlüssel, Zugriffsschlüssel, Geheimnis, Zugangstoken, clé API, clé secrète, jeton, clave API, clave secreta',
  'chiave API, chiave segreta, chave de API, chave secreta, API-sleutel, geheime sleutel, klucz API, tajny klucz, 密钥, 密鑰',
);

/** Letters and something that no word of a language has. */
const isMixed = (value: string): boolean =>
  /[A-Za-z]/.test(value) && (/\d/.test(value) || /[!@#$%^&*?~+]/.test(value) || /[a-z][A-Z]/.test(value));

const acceptPassword = (match: string): number => {
  const value = match.replace(/[.,;:?)]+$/, '');
  if (value.length < 5 || isStandIn(value) || isFiller(value) || !isMixed(value)) return 0;
  if (PATH.test(value) && !looksRandom(value)) return 0;
  // `password: password1` tells of no password more often than of one.
  if (ABOUT.test(value) && !/\d.*[^A-Za-z0-9]|[^A-Za-z0-9].*\d/.test(value)) return 0;
  return value.length;
};

const acceptQuoted = (match: string): number => {
  if (isStandIn(match) || ABOUT.test(match) || BLANK.test(match)) return 0;
  return isMixed(match) || /[a-z][-_.][a-z].*[-_.][a-z]/i.test(match) ? match.length : 0;
};
const BLANK = /^(.)\1*$|your|change_?me|placeholder|dummy|replace|redacted|sample/i;

const VALUE = String.raw`[^\s"'\u0060\\,;<>&]`;

/** Detectors of this family, in priority order: the last resort, tried when nothing more precise matches. */
export const ASSIGNMENTS: readonly Detector[] = [
  {
    kind: 'secret.assignment',
    title: 'random value behind a word that says key, token or password',
    pattern: rei`(?<=${KEY_WORDS}(?:${SEPARATOR}|>))(?<!${OTHER_TOKENS}${SEPARATOR})[a-z0-9_+\/=.~!@#$%^&*-]{12,128}(?![(\[])`,
    accept: acceptRandom,
    swallow: { while: 'A-Za-z0-9_+/=.~!@#$%^&*-' },
    score: 0.7,
  },
  ...[OPERATED, TYPED, NEXT, VALUE_OF, ELEMENT].map(
    (between): Detector => ({
      kind: 'secret.assignment',
      title: 'random value behind a word that says key, token or password',
      pattern: rei`(?<=${KEY_WORDS}${between})[a-z0-9_+\/=.~!@#$%^&*-]{12,128}(?![(\[])`,
      accept: acceptRandom,
      swallow: { while: 'A-Za-z0-9_+/=.~!@#$%^&*-' },
      score: 0.7,
    }),
  ),
  {
    kind: 'secret.assignment',
    title: 'random value some words behind one that says key or token',
    pattern: re`(?<=[=:"'\u0060(\s>|,])(?<!(?:[Cc]ommit|[Ss][Hh][Aa](?:\d{1,3})?|[Hh]ash|[Dd]igest|[Cc]hecksum|[Mm][Dd]5|[Rr]ev|[Rr]evision|h1)[ :=]{1,2})[A-Za-z0-9_+\/-]{20,126}={0,2}(?![A-Za-z0-9_+\/=-]|\.[A-Za-z0-9])`,
    accept: acceptDrawn,
    context: { words: KEY_PHRASES, required: true },
    score: 0.6,
  },
  {
    kind: 'secret.password',
    title: 'quoted value behind a word that says password',
    pattern: rei`(?<=${PASSWORD_WORDS}${QUOTING})[^\s"'\u0060\\<>]{6,128}(?=["'\u0060\\])`,
    accept: acceptQuoted,
    score: 0.7,
  },
  ...[TYPED, VALUE_OF].map(
    (between): Detector => ({
      kind: 'secret.password',
      title: 'quoted value behind a word that says password',
      pattern: rei`(?<=${PASSWORD_WORDS}${between})[^\s"'\u0060\\<>]{6,128}(?=["'\u0060\\])`,
      accept: acceptQuoted,
      score: 0.7,
    }),
  ),
  {
    kind: 'secret.password',
    title: 'value with letters and digits behind a word that says password',
    pattern: rei`(?<=${PASSWORD_WORDS}(?:${SEPARATOR}|>))${VALUE}{5,128}(?![(\[{])`,
    accept: acceptPassword,
    score: 0.6,
  },
  // Apart, so that each has a left side of its own length: the scan passes over more that way.
  ...[' (?:is|es) ', ' (?:ist|est|was) ', ' lautet '].map(
    (copula): Detector => ({
      kind: 'secret.password',
      title: 'value with letters and digits in a sentence that says password',
      pattern: rei`(?<=${PASSWORD_WORDS}${copula})["'\u0060]?${VALUE}{5,128}(?![(\[{])`,
      accept: acceptPassword,
      score: 0.6,
    }),
  ),
  ...['--password', '--passwd', '--token', '--secret', '--api-key'].map(
    (flag): Detector => ({
      kind: 'secret.password',
      title: 'value of a command line option that says password or token',
      pattern: rei`(?<=${flag} )["'\u0060]?${VALUE}{5,128}(?![(\[{])`,
      accept: acceptPassword,
      score: 0.7,
    }),
  ),
];
