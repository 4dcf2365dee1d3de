/** All detectors, and the entities that they make up. */

import { nearest } from '../nearest.ts';
import { ASSIGNMENTS } from './assignments.ts';
import { CARD } from './card.ts';
import { CRYPTO_ADDRESS } from './crypto-address.ts';
import { type Detector, entityOf } from './detector.ts';
import { EMAIL } from './email.ts';
import { IBAN } from './iban.ts';
import { IDENTITY } from './identity.ts';
import { NATIONAL } from './national.ts';
import { NETWORK } from './network.ts';
import { PERSONAL } from './personal.ts';
import { PHONE } from './phone.ts';
import { NAMED_SECRETS } from './named-secrets.ts';
import { SECRETS } from './secrets.ts';
import { TOKEN_FORMS } from './token-forms.ts';

/** Every detector, in priority order: the more precise comes first. */
export const DETECTORS: readonly Detector[] = [
  ...SECRETS,
  ...TOKEN_FORMS,
  ...NAMED_SECRETS,
  ...CRYPTO_ADDRESS,
  ...NETWORK,
  ...EMAIL,
  ...IBAN,
  ...CARD,
  ...IDENTITY,
  ...NATIONAL,
  ...PERSONAL,
  ...PHONE,
  ...ASSIGNMENTS,
];

/** What a config names: one entity, with the precise kinds that its findings carry. */
export interface Entity {
  readonly name: string;
  /** What it is, for people. */
  readonly title: string;
  readonly kinds: readonly string[];
}

/** Entities of several kinds or detectors, and those that a config names first. */
const TITLES: Readonly<Record<string, string>> = {
  email: 'Email address',
  phone: 'Telephone number: international, national with its punctuation, or behind a word that says so',
  credit_card: 'Payment card number (issuer range, length and Luhn check)',
  iban: 'Bank account, IBAN (length of its country and mod 97 check)',
  us_ssn: 'US Social Security number',
  us_itin: 'US taxpayer number, ITIN',
  ipv4: 'IPv4 address, except loopback and network masks',
  ipv6: 'IPv6 address of a block in use',
  mac: 'MAC address',
  url_credentials: 'User and password in a URL',
  secret: 'Keys, tokens and passwords of known forms, and random values behind words that name them',
  crypto_address: 'Address of Bitcoin or Ethereum (checksum)',
};

const KINDS: readonly string[] = [...new Set(DETECTORS.map(({ kind }) => kind))];

/** What `sallyport detectors list` prints. */
export const ENTITIES: readonly Entity[] = [...new Set([...Object.keys(TITLES), ...KINDS.map(entityOf)])].map(
  (name) => ({
    name,
    title: TITLES[name] ?? DETECTORS.find(({ kind }) => entityOf(kind) === name)?.title ?? name,
    kinds: KINDS.filter((kind) => entityOf(kind) === name),
  }),
);

const NAMES: ReadonlySet<string> = new Set(ENTITIES.flatMap(({ name, kinds }) => [name, ...kinds]));

/**
 * Returns the detectors of these entities (`secret`) or kinds (`secret.github`), in priority order. Throws an Error that
 * names an unknown one and the nearest that is known.
 */
export const detectorsOf = (entities: readonly string[]): readonly Detector[] => {
  for (const name of entities) {
    if (NAMES.has(name)) continue;
    const near = nearest(name, NAMES);
    throw new Error(`no entity is named ${name}${near === null ? '' : `; did you mean ${near}?`}`);
  }
  const chosen = new Set(entities);
  return DETECTORS.filter(({ kind }) => chosen.has(kind) || chosen.has(entityOf(kind)));
};
