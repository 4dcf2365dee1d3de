/**
 * Who may approve, as an entry of `by` says: `group:ISSUER|NAME` or `subject:ISSUER|SUBJECT`. A group means what one issuer
 * says, never whoever uses the same word; `group:NAME` is short for the only issuer that speaks for people.
 */

import type { Config, IssuerConfig } from '../config.ts';
import { safeJson } from '../safe-text.ts';

/** An entry with its issuer; `issuer` is null for a group without one. */
interface Entry {
  readonly what: 'group' | 'subject';
  readonly issuer: string | null;
  readonly name: string;
}

/** The name of a group may hold `|` too: an issuer is what begins like a URL. */
const ENTRY = /^(?<what>group|subject):(?:(?<issuer>[a-z][a-z0-9+.-]*:\/\/[^|]*)\|)?(?<name>.+)$/s;

const readEntry = (text: string): Entry | null => {
  const { what, issuer = null, name = '' } = ENTRY.exec(text)?.groups ?? {};
  if (what !== 'group' && what !== 'subject') return null;
  return what === 'subject' && issuer === null ? null : { what, issuer, name };
};

type Issuers = readonly Pick<IssuerConfig, 'issuer' | 'kind'>[];

/** Only people approve (docs/adr/0010-approvals.md). */
const ofPeople = (issuers: Issuers): readonly string[] =>
  issuers.filter(({ kind }) => kind === 'human').map(({ issuer }) => issuer);

const oneOf = (people: readonly string[]): string =>
  people.length === 0 ? 'none of the issuers does' : `there is ${people.join(', ')}`;

/** Returns why nobody could ever approve by this entry, or that several issuers could mean it; null when it is in order. */
export function wrongApprover(text: string, issuers: Issuers): string | null {
  const people = ofPeople(issuers);
  const entry = readEntry(text);
  if (entry === null) return `expected subject:ISSUER|SUBJECT, found ${safeJson(text)}`;
  const { what, issuer, name } = entry;
  if (issuer !== null)
    return people.includes(issuer) ? null : `no issuer of people is named ${safeJson(issuer)}; ${oneOf(people)}`;
  const [first, second] = people;
  if (first === undefined) return 'nobody can approve: every issuer speaks for workloads or agents';
  if (second === undefined) return null;
  return `${people.length} issuers speak for people: say whose ${what} it is, for example ${safeJson(`${what}:${first}|${name}`)}`;
}

/** Returns the policies with the issuer in every group that may approve. The config has been checked. */
export function nameApprovers({ policies, identity }: Pick<Config, 'policies' | 'identity'>): Config['policies'] {
  const [only = ''] = ofPeople(identity.issuers);
  const named = (text: string): string => {
    const entry = readEntry(text);
    return entry?.issuer === null ? `${entry.what}:${only}|${entry.name}` : text;
  };
  const copies = structuredClone(policies);
  for (const { then } of copies) if (typeof then === 'object') then.approve.by = then.approve.by.map(named);
  return copies;
}
