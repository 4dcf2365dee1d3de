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
  ipv4: 'IPv4 address, except loopback and network masks; of small numbers (as versions are) only in a URL, with a port or prefix length, or behind a word',
  ipv6: 'IPv6 address of a block in use',
  mac: 'MAC address',
  url_credentials: 'User and password in a URL',
  secret: 'Keys, tokens and passwords of known forms, and random values behind words that name them',
  crypto_address: 'Address of Bitcoin or Ethereum (checksum)',
};

/** The detectors of a config: those that are built in, and the operator's own. */
export interface Catalog {
  /** In priority order. */
  readonly detectors: readonly Detector[];
  /** What `sallyport detectors list` prints. */
  readonly entities: readonly Entity[];
  /**
   * Returns the detectors of these entities (`secret`) or kinds (`secret.github`), in priority order. Throws an Error that
   * names an unknown one and the nearest that is known.
   */
  readonly chosen: (entities: readonly string[]) => readonly Detector[];
}

const entitiesOf = (detectors: readonly Detector[], first: readonly string[]): readonly Entity[] => {
  const kinds = [...new Set(detectors.map(({ kind }) => kind))];
  return [...new Set([...first, ...kinds.map(entityOf)])].map((name) => ({
    name,
    title: TITLES[name] ?? detectors.find(({ kind }) => entityOf(kind) === name)?.title ?? name,
    kinds: kinds.filter((kind) => entityOf(kind) === name),
  }));
};

/** Returns the catalog with an operator's own detectors ahead of and behind those that are built in. */
export const catalogOf = (first: readonly Detector[], last: readonly Detector[]): Catalog => {
  const detectors = [...first, ...DETECTORS, ...last];
  const entities = entitiesOf(detectors, Object.keys(TITLES));
  const known: ReadonlySet<string> = new Set(entities.flatMap(({ name, kinds }) => [name, ...kinds]));
  return {
    detectors,
    entities,
    chosen(wanted) {
      for (const name of wanted) {
        if (known.has(name)) continue;
        const near = nearest(name, known);
        throw new Error(`no entity is named ${name}${near === null ? '' : `; did you mean ${near}?`}`);
      }
      const chosen = new Set(wanted);
      return detectors.filter(({ kind }) => chosen.has(kind) || chosen.has(entityOf(kind)));
    },
  };
};

/** The catalog of a config that defines no detectors. */
export const BUILT_IN: Catalog = catalogOf([], []);

/** What is built in. */
export const ENTITIES: readonly Entity[] = BUILT_IN.entities;
