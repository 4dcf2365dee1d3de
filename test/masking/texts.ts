/** Texts that try a masker: entities, what nearly is one, and what stands between them. */

import fc from 'fast-check';
import { DETECTORS } from '../../src/detect/entities.ts';
import { drawFrom, sampleOf } from './samples.ts';

const B64 = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj';
const PEM = `-----BEGIN PRIVATE KEY-----\n${B64}\n${B64}\n-----END PRIVATE KEY-----`;
const JWT =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';

/** At least one of each kind; all made up. */
export const ENTITY_SAMPLES: readonly string[] = [
  'bob@example.com',
  'anna.müller+news@mail.co.uk',
  'jörg@münchen.de',
  '+1 (415) 555-2671',
  '+49 30 901820',
  '+44 (0)20 7946 0958',
  '415-555-2671 ext. 12',
  '(212) 555-0199',
  'tel: 030 1234567',
  '4111 1111 1111 1111',
  '4111111111111111',
  '5500-0000-0000-0004',
  '3782 822463 10005',
  '4111‑1111‑1111‑1111',
  'DE89 3704 0044 0532 0130 00',
  'GB82WEST12345698765432',
  '123-45-6789',
  'SSN: 123456789',
  '912-70-1234',
  '10.1.2.3',
  '192.168.100.200',
  '2001:db8::ff00:42:8329',
  '::ffff:10.1.2.3',
  '00:1a:2b:3c:4d:5e',
  '001A.2B3C.4D5E',
  'https://bob:hunter2@example.com/x',
  'postgres://app:s3cr3t@db:5432/app',
  `https://u:${'p#'.repeat(60)}@h/`,
  PEM,
  `-----BEGIN RSA PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQ\\n-----END RSA PRIVATE KEY-----`,
  JWT,
  `Bearer ${JWT}`,
  'Authorization: Bearer 4f9c1d7ab3e05268f1aa',
  'Authorization: Basic Ym9iOmh1bnRlcjI=',
  'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
  'glpat-a1B2c3D4e5F6g7H8i9J0',
  'xoxb-123456789012-abcdefGHIJ',
  'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX',
  'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
  'sk-ant-api03-AbCdEf1234567890_-xyzq',
  'sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7jKl0n',
  'hf_abcdefghijklmnopqrstuvwxyzABCDEFGH',
  'npm_abcdefghijklmnopqrstuvwxyz0123456789',
  'AKIAIOSFODNN7EXAMPLE',
  'aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
  'AIzaSyA1234567890abcdefghijklmnopqrstuv',
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
  'abc8Q~defghijklmnopqrstuvwxyz0123456789',
  'api_key: "9f8A7b6C5d4E3f2A1b0C"',
  'the password is hunter2',
  'WIF 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ',
  '131052-308T',
  '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '４１１１　１１１１　１１１１　１１１１',
  'bob％４０ bob@example.com％',
  'num\u00e9ro de t\u00e9l\u00e9phone: 0142685300',
];

/** One of each detector, made from its pattern: what nobody has written down above. */
export const FORM_SAMPLES: readonly string[] = DETECTORS.flatMap(
  (detector, at) => sampleOf(detector, drawFrom(at)) ?? [],
);

/** Never an entity, or not as they stand. */
const NEAR_MISSES: readonly string[] = [
  'bob@',
  '@example.com',
  'bob@2x.png',
  'git@github.com:a/b',
  'a@b',
  'bob@example.',
  'bob@@example.com',
  '+1',
  '+',
  '555-2671',
  '2024-01-15T10:30:00Z',
  '1700000000000',
  '4111 1111 1111 1112',
  '4111 1111',
  '4111-',
  'DE89 3704 0044 0532 0130 01',
  'DE89',
  '000-12-3456',
  '123-45-67890',
  '1.2.3',
  '127.0.0.1',
  '1.2.3.4.5',
  '256.1.1.1',
  'std::vector',
  '12:30:45',
  'a[1::2]',
  '00:1a:2b',
  'aa:bb:cc:dd:ee:ff:00:11',
  'https://example.com:8080/a@b',
  '://',
  'http://u:',
  'http://u:p',
  '-----BEGIN PRIVATE KEY-----',
  '-----END',
  '-----',
  'eyJ',
  'eyJhbGciOi',
  'Bearer ',
  'ghp_',
  'ghp_abc',
  'sk-',
  'AKIA',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  'password = ',
  'token: ',
  'secret="',
  'page_token: "9f8A7b6C5d4E3f2A1b0C"',
  'SSN',
  'SSN: 123456789x',
  'tel: ',
];

const BETWEEN: readonly string[] = [
  '',
  '',
  ' ',
  ' ',
  '\n',
  '. ',
  ', ',
  ': ',
  '"',
  "'",
  '(',
  ')',
  '<',
  '>',
  '/',
  '\\n',
  '\\',
  '_',
  '-',
  '.',
  '@',
  '=',
  'x',
  '7',
  'é',
  '日本語',
  '😀',
  '👩‍👩‍👧',
  '\u0301',
  '\u200b',
  '\u00a0',
  '\ud83d',
  '\ude00',
  '|',
  '::',
  '//',
  '+',
  '%',
  '#',
];

const WORDS = [
  'the',
  'call me',
  'key',
  'Reach us at',
  'is',
  'number',
  'deadbeef',
  'cafe',
  'version 1.2.3.4',
  'café',
  'an',
  'Skill',
];

const pick = (from: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...from);

/** An entity with one unit gone, doubled or changed, or a part of one. */
const damaged = (sample: string): fc.Arbitrary<string> =>
  fc
    .record({
      at: fc.nat(sample.length - 1),
      how: fc.nat(4),
      unit: pick(['0', '9', 'a', 'Z', '-', ' ', '.', '@', 'é']),
    })
    .map(({ at, how, unit }) => {
      if (how === 0) return sample.slice(0, at) + sample.slice(at + 1);
      if (how === 1) return sample.slice(0, at) + unit + sample.slice(at + 1);
      if (how === 2) return sample.slice(0, at) + unit + sample.slice(at);
      return how === 3 ? sample.slice(0, at) : sample.slice(at);
    });

/** Long runs, to reach the bounds of the patterns. */
const run = fc
  .record({
    unit: pick(['a', '1', '-', 'a.', 'ab-', ' ', '4 ', 'A1', '😀', 'p']),
    count: fc.integer({ min: 10, max: 270 }),
  })
  .map(({ unit, count }) => unit.repeat(Math.ceil(count / unit.length)));

const part: fc.Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: pick(ENTITY_SAMPLES) },
  { weight: 6, arbitrary: pick(ENTITY_SAMPLES).chain(damaged) },
  { weight: 5, arbitrary: pick(FORM_SAMPLES) },
  { weight: 3, arbitrary: pick(FORM_SAMPLES).chain(damaged) },
  { weight: 4, arbitrary: pick(NEAR_MISSES) },
  { weight: 5, arbitrary: pick(WORDS) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 12 }) },
  { weight: 1, arbitrary: run },
  { weight: 1, arbitrary: fc.tuple(run, pick(ENTITY_SAMPLES)).map(([long, sample]) => long + sample) },
);

/** Texts of some tens to some hundreds of units. */
export const texts: fc.Arbitrary<string> = fc
  .array(fc.tuple(part, pick(BETWEEN)), { minLength: 1, maxLength: 7 })
  .map((parts) => parts.flat().join(''));

/** Units of texts that begin like an entity again and again, and never are one for long. */
export const ADVERSARIAL: readonly string[] = [
  ...ENTITY_SAMPLES.flatMap((sample) => [
    sample.slice(0, -1),
    `${sample.slice(0, Math.ceil(sample.length / 2))} `,
    sample,
  ]),
  'a@',
  '@',
  'a.a@a.',
  '1',
  '4 ',
  '+1 ',
  '4111 ',
  'DE12 ',
  '1.',
  '::',
  'aa:',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----',
  '-----END ',
  'eyJ',
  '://:',
  '://a:',
  'token: ',
  'key=',
  'bearer a',
  ' a',
  '\\n',
  '\ud83d',
  'tel: 1',
  // Each of these was the slowest of all once: nearly whole numbers behind their words, and runs without an end.
  '+',
  '/',
  '1 ',
  `tel ${'1 '.repeat(30)}`,
  `account number ${'1-'.repeat(18)}1`,
  'rč 22664073424 ',
  '+1 202 555 01 ',
  'api key aB1cD2eF3gH4iJ5kL6mN7oP8 ',
  `${'a.'.repeat(32)}@${'abc.'.repeat(60)}`,
];
