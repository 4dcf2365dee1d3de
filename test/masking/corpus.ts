/**
 * Labelled texts: values with checked ground truth, in the forms and languages in which people and programs write them,
 * and near misses. What is put in is made here, from each number's own definition, and not from the detectors' patterns.
 */

import { createHash, createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Draw, drawFrom } from './samples.ts';

/** A value that was put into a text. */
interface Truth {
  readonly entity: string;
  readonly start: number;
  readonly end: number;
  /** Entities that are no mistake to say either. */
  readonly alike: readonly string[];
}

export interface Labelled {
  readonly text: string;
  readonly truth: readonly Truth[];
}

/** A value, what it is, and the words that people put ahead of it. */
interface Value {
  readonly entity: string;
  readonly value: string;
  readonly labels: readonly string[];
  /** Only its label tells what it is. */
  readonly needsLabel: boolean;
}

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const HEX = '0123456789abcdef';
const BASE62 = DIGITS + UPPER + LOWER;

const string = (draw: Draw, alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet.charAt(draw(alphabet.length))).join('');
const digits = (draw: Draw, length: number): string => string(draw, DIGITS, length);
const pick = <T>(draw: Draw, from: readonly T[]): T => {
  const one = from[draw(from.length)];
  if (one === undefined) throw new RangeError('nothing to pick from');
  return one;
};
const grouped = (text: string, sizes: readonly number[], between: string): string => {
  let at = 0;
  return sizes.map((size) => text.slice(at, (at += size))).join(between);
};

const luhnDigit = (body: string): number => {
  const sum = Array.from(body)
    .toReversed()
    .reduce((all, digit, at) => {
      const value = Number(digit) * (at % 2 === 0 ? 2 : 1);
      return all + (value > 9 ? value - 9 : value);
    }, 0);
  return (10 - (sum % 10)) % 10;
};
const withLuhn = (body: string): string => body + String(luhnDigit(body));

const card = (draw: Draw): string => {
  const [prefix, length, sizes] = pick(draw, [
    ['4', 16, [4, 4, 4, 4]],
    ['51', 16, [4, 4, 4, 4]],
    ['55', 16, [4, 4, 4, 4]],
    ['2221', 16, [4, 4, 4, 4]],
    ['34', 15, [4, 6, 5]],
    ['37', 15, [4, 6, 5]],
    ['6011', 16, [4, 4, 4, 4]],
    ['3528', 16, [4, 4, 4, 4]],
    ['36', 14, [4, 6, 4]],
  ] as const);
  const number = withLuhn(prefix + digits(draw, length - prefix.length - 1));
  return pick(draw, [number, grouped(number, sizes, ' '), grouped(number, sizes, '-'), grouped(number, sizes, '.')]);
};

const iban = (draw: Draw): string => {
  const [country, form] = pick(draw, [
    ['DE', 'n18'],
    ['FR', 'n10c11n2'],
    ['GB', 'a4n14'],
    ['NL', 'a4n10'],
    ['ES', 'n20'],
    ['IT', 'a1n10c12'],
    ['PL', 'n24'],
    ['BE', 'n12'],
    ['AT', 'n16'],
    ['PT', 'n21'],
    ['CH', 'n5c12'],
    ['NO', 'n11'],
  ] as const);
  const body = [...form.matchAll(/([nac])(\d+)/g)]
    .map(([, kind, count]) =>
      string(draw, kind === 'n' ? DIGITS : kind === 'a' ? UPPER : DIGITS + UPPER, Number(count)),
    )
    .join('');
  const spelt = Array.from(`${body}${country}00`, (unit) => String(Number.parseInt(unit, 36))).join('');
  const number = `${country}${String(98n - (BigInt(spelt) % 97n)).padStart(2, '0')}${body}`;
  const groups = number.match(/.{1,4}/g) ?? [];
  return pick(draw, [number, groups.join(' '), groups.join(' '), groups.join('-'), number.toLowerCase()]);
};

const FIRST = ['anna', 'bob', 'marie', 'jürgen', 'maria.jose', 'li.wei', 'k.nowak', 'o_hara', 'sofia', 'luca', 'piet'];
const LAST = ['smith', 'müller', 'garcia', 'rossi', 'dubois', 'kowalski', 'jansen', 'silva', 'tanaka', 'de-vries'];
const HOSTS = [
  'example.com',
  'mail.example.org',
  'firma-beispiel.de',
  'entreprise.fr',
  'example.co.uk',
  'ejemplo.es',
  'sub.uni-x.edu',
  'contoso.onmicrosoft.com',
  'corp.internal',
  'przyklad.pl',
];

const email = (draw: Draw): string => {
  const name = pick(draw, [
    pick(draw, FIRST),
    `${pick(draw, FIRST)}.${pick(draw, LAST)}`,
    `${pick(draw, LAST)}${digits(draw, 2)}`,
    `${pick(draw, FIRST)}+news`,
  ]);
  const address = `${name}@${pick(draw, HOSTS)}`;
  return draw(8) === 0 ? address.toUpperCase() : address;
};

const phone = (draw: Draw): string =>
  pick(draw, [
    () => `+1 (${pick(draw, ['212', '415', '312', '617'])}) 555-${digits(draw, 4)}`,
    () => `(${pick(draw, ['212', '415', '312', '617'])}) 555-${digits(draw, 4)}`,
    () => `${pick(draw, ['212', '415', '312'])}-555-${digits(draw, 4)}`,
    () => `${pick(draw, ['212', '415', '312'])}.555.${digits(draw, 4)}`,
    () => `+1${pick(draw, ['212', '415', '312'])}555${digits(draw, 4)}`,
    () => `+44 20 79${digits(draw, 2)} ${digits(draw, 4)}`,
    () => `+44 (0)20 79${digits(draw, 2)} ${digits(draw, 4)}`,
    () => `+49 30 ${digits(draw, 1)}01${digits(draw, 4)}`,
    () => `+49 (0) 171 ${digits(draw, 7)}`,
    () => `0049 171 ${digits(draw, 7)}`,
    () => `+33 6 ${grouped(digits(draw, 8), [2, 2, 2, 2], ' ')}`,
    () => `+34 61${digits(draw, 1)} ${digits(draw, 3)} ${digits(draw, 3)}`,
    () => `+39 347 ${digits(draw, 7)}`,
    () => `+31 6 ${digits(draw, 8)}`,
    () => `+48 60${digits(draw, 1)} ${digits(draw, 3)} ${digits(draw, 3)}`,
    () => `+351 91${digits(draw, 1)} ${digits(draw, 3)} ${digits(draw, 3)}`,
  ])();

const ssn = (draw: Draw): string => {
  const between = pick(draw, ['-', '-', ' ']);
  return `${String(100 + draw(500))}${between}${String(10 + draw(89))}${between}${String(1000 + draw(8999))}`;
};

const weightedSum = (body: string, weights: readonly number[]): number =>
  weights.reduce((all, weight, at) => all + weight * Number(body.charAt(at)), 0);

const until = (make: () => string | null): string => {
  for (;;) {
    const made = make();
    if (made !== null) return made;
  }
};

const date = (draw: Draw) => ({ year: 1940 + draw(65), month: 1 + draw(12), day: 1 + draw(28) });
const two = (value: number): string => String(value % 100).padStart(2, '0');

const pesel = (draw: Draw): string => {
  const { year, month, day } = date(draw);
  const body = two(year) + two(month + (year >= 2000 ? 20 : 0)) + two(day) + digits(draw, 4);
  return body + String((10 - (weightedSum(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10);
};

const nhs = (draw: Draw): string =>
  until(() => {
    const body = digits(draw, 9);
    const check = 11 - (weightedSum(body, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11);
    return check === 10 ? null : grouped(body + String(check % 11), [3, 3, 4], pick(draw, ['', ' ', '-']));
  });

const nir = (draw: Draw): string => {
  const { year, month } = date(draw);
  const body = `${1 + draw(2)}${two(year)}${two(month)}${String(10 + draw(85))}${digits(draw, 6)}`;
  const number = body + String(97n - (BigInt(body) % 97n)).padStart(2, '0');
  return pick(draw, [number, grouped(number, [1, 2, 2, 2, 3, 3, 2], ' ')]);
};

const cpf = (draw: Draw): string => {
  const check = (body: string): string => {
    const sum = Array.from(body).reduce((all, digit, at) => all + Number(digit) * (body.length + 1 - at), 0);
    return String(sum % 11 < 2 ? 0 : 11 - (sum % 11));
  };
  const body = digits(draw, 9);
  const first = body + check(body);
  const number = first + check(first);
  return `${grouped(number.slice(0, 9), [3, 3, 3], '.')}-${number.slice(9)}`;
};

const nif = (draw: Draw): string => {
  const body = digits(draw, 8);
  return body + 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(Number(body) % 23);
};

const bsn = (draw: Draw): string =>
  until(() => {
    const body = digits(draw, 8);
    const check = weightedSum(body, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    return check === 10 || body.startsWith('00') ? null : body + String(check);
  });

const npi = (draw: Draw): string => {
  const body = `1${digits(draw, 8)}`;
  return body + String(luhnDigit(`80840${body}`));
};

const aba = (draw: Draw): string => {
  const body = `0${1 + draw(9)}${digits(draw, 6)}`;
  return body + String((10 - (weightedSum(body, [3, 7, 1, 3, 7, 1, 3, 7]) % 10)) % 10);
};

const abn = (draw: Draw): string =>
  until(() => {
    const number = `${1 + draw(9)}${digits(draw, 10)}`;
    const sum = weightedSum(number, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10;
    return sum % 89 === 0 ? grouped(number, [2, 3, 3, 3], ' ') : null;
  });

const nino = (draw: Draw): string =>
  grouped(
    `${string(draw, 'ABCEHJKLMPRSTWXY', 2).replace(/NK|KN|TN|NT|BG|GB|ZZ/, 'AB')}${digits(draw, 6)}${string(draw, 'ABCD', 1)}`,
    [2, 2, 2, 2, 1],
    pick(draw, ['', ' ']),
  );

const base58 = (bytes: Buffer): string => {
  const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let value = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; value > 0n; value /= 58n) text = alphabet.charAt(Number(value % 58n)) + text;
  return '1'.repeat(bytes.findIndex((byte) => byte !== 0)) + text;
};
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const bitcoin = (draw: Draw): string => {
  const body = Buffer.from(`00${string(draw, HEX, 40)}`, 'hex');
  return base58(Buffer.concat([body, sha256(sha256(body)).subarray(0, 4)]));
};

const github = (draw: Draw): string => {
  const body = string(draw, BASE62, 30);
  let check = '';
  for (let rest = crc32(body); check.length < 6; rest = Math.floor(rest / 62)) check = BASE62.charAt(rest % 62) + check;
  return `${pick(draw, ['ghp_', 'gho_', 'ghs_'])}${body}${check}`;
};

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (draw: Draw): string => {
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ sub: digits(draw, 9), iat: 1_700_000_000 + draw(9e6) })}`;
  return `${signed}.${createHmac('sha256', 'k').update(signed).digest('base64url')}`;
};

/** Tokens as their issuers' documentation shows them. */
const TOKENS: readonly ((draw: Draw) => string)[] = [
  github,
  jwt,
  (d) => `github_pat_${string(d, BASE62, 22)}_${string(d, BASE62, 59)}`,
  (d) => `glpat-${string(d, `${BASE62}_-`, 20)}`,
  (d) => `AKIA${string(d, `${UPPER}234567`, 16)}`,
  (d) => `xoxb-${digits(d, 12)}-${digits(d, 13)}-${string(d, BASE62, 24)}`,
  (d) => `sk_live_${string(d, BASE62, 24)}`,
  (d) => `sk-proj-${string(d, BASE62, 48)}`,
  (d) => `sk-ant-api03-${string(d, `${BASE62}_-`, 93)}AA`,
  (d) => `AIza${string(d, `${BASE62}_-`, 35)}`,
  (d) => `hf_${string(d, UPPER + LOWER, 34)}`,
  (d) => `npm_${string(d, BASE62, 36)}`,
  (d) => `SG.${string(d, `${BASE62}_-`, 22)}.${string(d, `${BASE62}_-`, 43)}`,
  (d) => `dop_v1_${string(d, HEX, 64)}`,
  (d) => `shpat_${string(d, HEX, 32)}`,
  (d) => `key-${string(d, HEX, 32)}`,
  (d) => `SK${string(d, HEX, 32)}`,
  (d) => `lin_api_${string(d, BASE62, 40)}`,
  (d) => `ntn_${string(d, BASE62, 46)}`,
  (d) => `hvs.${string(d, `${BASE62}_-`, 90)}`,
  (d) => `glsa_${string(d, BASE62, 32)}_${string(d, HEX, 8)}`,
  (d) => `dckr_pat_${string(d, `${BASE62}_-`, 27)}`,
  (d) => `rubygems_${string(d, HEX, 48)}`,
  (d) => `pypi-AgEIcHlwaS5vcmc${string(d, `${BASE62}_-`, 120)}`,
  (d) => `figd_${string(d, `${BASE62}_-`, 40)}`,
  (d) => `gsk_${string(d, BASE62, 52)}`,
  (d) => `r8_${string(d, BASE62, 37)}`,
  (d) => `${digits(d, 10)}:AA${string(d, `${BASE62}_-`, 33)}`,
  (d) => `PMAK-${string(d, HEX, 24)}-${string(d, HEX, 34)}`,
  (d) => `tskey-auth-${string(d, BASE62, 12)}CNTRL-${string(d, BASE62, 32)}`,
];

const secretLabels = [
  'api_key',
  'API_KEY',
  'token',
  'client_secret',
  'ACCESS_TOKEN',
  'apiKey',
  'auth_token',
  'SECRET_KEY',
];

const assignment = (draw: Draw): string =>
  pick(draw, [
    string(draw, BASE62, 20),
    string(draw, BASE62, 32),
    string(draw, HEX, 32),
    string(draw, HEX, 40),
    string(draw, `${BASE62}_-`, 43),
    string(draw, `${BASE62}+/`, 44),
  ]);

const valueOf = (draw: Draw): Value =>
  pick<() => Value>(draw, [
    () => ({
      entity: 'credit_card',
      value: card(draw),
      labels: ['card', 'Kreditkarte', 'carte bancaire', 'tarjeta', 'cc'],
      needsLabel: false,
    }),
    () => ({ entity: 'iban', value: iban(draw), labels: ['IBAN', 'account', 'Konto', 'compte'], needsLabel: false }),
    () => ({
      entity: 'email',
      value: email(draw),
      labels: ['email', 'E-Mail', 'correo', 'contact'],
      needsLabel: false,
    }),
    () => ({
      entity: 'phone',
      value: phone(draw),
      labels: ['phone', 'Tel.', 'téléphone', 'móvil', 'telefon'],
      needsLabel: false,
    }),
    () => ({ entity: 'us_ssn', value: ssn(draw), labels: ['SSN', 'social security number'], needsLabel: false }),
    () => ({ entity: 'pl_pesel', value: pesel(draw), labels: ['PESEL', 'numer PESEL', 'pesel'], needsLabel: true }),
    () => ({ entity: 'uk_nhs', value: nhs(draw), labels: ['NHS number', 'NHS no', 'nhs_number'], needsLabel: true }),
    () => ({
      entity: 'fr_insee',
      value: nir(draw),
      labels: ['numéro de sécurité sociale', 'NIR', 'INSEE'],
      needsLabel: false,
    }),
    () => ({ entity: 'br_cpf', value: cpf(draw), labels: ['CPF', 'cpf'], needsLabel: false }),
    () => ({ entity: 'es_nif', value: nif(draw), labels: ['DNI', 'NIF', 'documento'], needsLabel: false }),
    () => ({ entity: 'nl_bsn', value: bsn(draw), labels: ['BSN', 'burgerservicenummer', 'bsn'], needsLabel: true }),
    () => ({ entity: 'us_npi', value: npi(draw), labels: ['NPI', 'NPI number', 'npi'], needsLabel: true }),
    () => ({
      entity: 'us_aba',
      value: aba(draw),
      labels: ['routing number', 'ABA', 'routing_number'],
      needsLabel: true,
    }),
    () => ({ entity: 'au_abn', value: abn(draw), labels: ['ABN', 'abn'], needsLabel: false }),
    () => ({
      entity: 'uk_nino',
      value: nino(draw),
      labels: ['National Insurance number', 'NINO', 'NI number'],
      needsLabel: false,
    }),
    () => ({ entity: 'crypto_address', value: bitcoin(draw), labels: ['wallet', 'BTC', 'address'], needsLabel: false }),
    () => ({ entity: 'secret', value: pick(draw, TOKENS)(draw), labels: secretLabels, needsLabel: false }),
    () => ({ entity: 'secret', value: pick(draw, TOKENS)(draw), labels: secretLabels, needsLabel: false }),
    () => ({ entity: 'secret', value: pick(draw, TOKENS)(draw), labels: secretLabels, needsLabel: false }),
    () => ({ entity: 'secret', value: assignment(draw), labels: secretLabels, needsLabel: true }),
  ])();

/** What looks like one of them and is none. */
const nearMiss = (draw: Draw): string =>
  pick(draw, [
    () => `order ${digits(draw, 12)}`,
    () => `Bestellnummer ${digits(draw, 10)}`,
    () => `commit ${string(draw, HEX, 40)}`,
    () => `sha256:${string(draw, HEX, 64)}`,
    () =>
      `${string(draw, HEX, 8)}-${string(draw, HEX, 4)}-4${string(draw, HEX, 3)}-a${string(draw, HEX, 3)}-${string(draw, HEX, 12)}`,
    () => `v${draw(20)}.${draw(30)}.${draw(90)}-rc${draw(9)}`,
    () => `2024-0${1 + draw(9)}-1${draw(9)}T1${draw(9)}:2${draw(9)}:3${draw(9)}.${digits(draw, 3)}Z`,
    () => `17${digits(draw, 8)}`,
    () => `17${digits(draw, 11)}`,
    () => {
      const number = card(draw).replace(/\D/g, '');
      return number.slice(0, -1) + String((Number(number.at(-1)) + 1 + draw(8)) % 10);
    },
    () => {
      const number = iban(draw)
        .replace(/[^A-Za-z0-9]/g, '')
        .toUpperCase();
      return `${number.slice(0, -2)}${two(Number.parseInt(number.slice(-2), 36) + 1)}`;
    },
    () => 'sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    () => 'api_key: "your-api-key-here"',
    () => 'password: ${DB_PASSWORD}',
    () => 'token = getToken(request)',
    () => `ISBN 978-3-16-${digits(draw, 6)}-0`,
    () => `EAN 40${digits(draw, 11)}`,
    () => `user@host and @${pick(draw, LAST)} and pkg@${draw(9)}.${draw(9)}.${draw(9)}`,
    () => `${draw(100)},${digits(draw, 3)},${digits(draw, 3)}.00 EUR`,
    () => `rgb(${draw(256)}, ${draw(256)}, ${draw(256)}) #${string(draw, HEX, 6)}`,
    () => `build ${digits(draw, 9)} took ${draw(900)} ms`,
    () => `const id = ${digits(draw, 9)}; // ticket ABC-${digits(draw, 4)}`,
    () => `part ${string(draw, UPPER, 2)}${digits(draw, 7)}`,
  ])();

const SENTENCES = [
  'Please look into this before Friday.',
  'Die Rechnung wurde gestern verschickt.',
  'Merci de confirmer la réception du dossier.',
  'El pedido llegó ayer por la tarde.',
  'La consegna è prevista per lunedì.',
  'Por favor confirme o horário da reunião.',
  'De vergadering begint om tien uur.',
  'Proszę o odpowiedź do piątku.',
  '请尽快回复。',
  'The gateway keeps what it saw and says why.',
];

/** Writes a value the way one format does; `at` tells where it begins. */
const FORMATS: readonly ((label: string, value: string, draw: Draw) => readonly [string, string])[] = [
  (label) => [`${label}: `, ''],
  (label) => [`My ${label} is `, '. Thanks!'],
  (label) => [`Meine ${label} lautet `, ', danke.'],
  (label) => [`**${label}:** \``, '`'],
  (label) => [`{"${label}":"`, '"}'],
  (label) => [`{\\"${label}\\":\\"`, '\\"}'],
  (label) => [`  ${label} = "`, '";'],
  (label) => [`${label}=`, ' other=1'],
  (label) => [`<${label.replaceAll(' ', '_')}>`, `</${label.replaceAll(' ', '_')}>`],
  (label) => [`| ${label} | `, ' |'],
  (label) => [`2024-05-01 12:00:01 INFO ${label}=`, ' status=200'],
  (label) => [`- ${label} `, ''],
  (label) => [`"${label}",`, ',"x"'],
  (label) => [`${label}：`, '。'],
];

const compose = (draw: Draw): Labelled => {
  let text = '';
  const truth: Truth[] = [];
  const parts = 1 + draw(4);
  for (let part = 0; part < parts; part++) {
    const what = draw(10);
    if (what < 5) {
      const { entity, value, labels, needsLabel } = valueOf(draw);
      const [before, after] =
        needsLabel || draw(4) > 0 ? pick(draw, FORMATS)(pick(draw, labels), value, draw) : ['', ''];
      text += before;
      truth.push({ entity, start: text.length, end: text.length + value.length, alike: [] });
      text += value + after;
    } else {
      text += what < 8 ? nearMiss(draw) : pick(draw, SENTENCES);
    }
    text += pick(draw, ['\n', '\n', ' ', '\n\n']);
  }
  return { text, truth };
};

/** Returns `count` labelled texts, the same ones for the same seed. */
export const corpus = (count: number, seed: number): readonly Labelled[] => {
  const draw = drawFrom(seed);
  return Array.from({ length: count }, () => compose(draw));
};
