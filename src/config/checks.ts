/** What must hold between the parts of a config, beyond what each part says of itself. */

import { isLoopback } from '../address.ts';
import { safeJson } from '../safe-text.ts';
import { ADDRESS_CHECKS } from './addresses.ts';
import { type Check, positive, type Sections, unique, unknownService, when } from './check.ts';
import { classifierNameIssues, entityIssues, maskKeyIssues, maskPlaceIssues, ownDetectorIssues } from './detectors.ts';
import type { ConfigIssue } from './issues.ts';
import { witnessIssues } from './ledger.ts';
import { POLICY_CHECKS } from './policies.ts';
import { SERVICE_CHECKS } from './services.ts';
import type { ConfigPath } from './yaml.ts';

const MAX_CLOCK_SKEW = 60_000;

const names = (section: 'services' | 'policies' | 'detectors' | 'masking'): Check => {
  const path = (at: number) => [section, at, 'name'];
  return (sections) => unique<{ readonly name: string }>(sections[section] ?? [], ({ name }) => name, path);
};

/** OIDC Core §2, RFC 8414 §2: https. On the machine itself plain http is for the demo and for tests. */
const isIssuerUrl = (text: string): boolean => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
};

const issuers: Check = ({ identity }) => {
  const entries = identity?.issuers ?? [];
  return [
    ...unique(
      entries,
      ({ issuer }) => issuer,
      (at) => ['identity', 'issuers', at, 'issuer'],
    ),
    ...entries.flatMap((entry, at) =>
      (['issuer', 'jwks_uri'] as const).flatMap((key) => {
        const url = entry[key];
        const wrong = url !== undefined && !isIssuerUrl(url);
        return when(wrong, ['identity', 'issuers', at, key], `expected https, found ${safeJson(url)}`);
      }),
    ),
  ];
};

const clockSkew: Check = ({ identity }) =>
  when((identity?.clock_skew ?? 0) > MAX_CLOCK_SKEW, ['identity', 'clock_skew'], 'expected at most 60s');

/** Zero would switch a bound off in most libraries; no bound is ever off. */
const bounds: Check = (sections) => {
  const { limits, services = [], recording, ledger } = sections;
  return [
    ...positive(
      limits,
      ['limits'],
      ['headers', 'buffered', 'head_timeout', 'body_timeout', 'inspection', 'stall_timeout', 'keep_alive'],
    ),
    ...positive(recording, ['recording'], ['keep', 'max_session']),
    ...positive(ledger, ['ledger'], ['checkpoint_every']),
    ...positive(ledger?.timestamps, ['ledger', 'timestamps'], ['every']),
    ...services.flatMap((service, at) => [
      ...positive(service, ['services', at], ['max_body']),
      ...positive(
        service.upstream,
        ['services', at, 'upstream'],
        ['connect_timeout', 'answer_timeout', 'idle_timeout'],
      ),
    ]),
  ];
};

const retentionPath = (at: number): ConfigPath => ['recording', 'retention', at];

/** A rule that no session can meet, or that erases each at once, would destroy what somebody meant to keep. */
const retention: Check = ({ recording, services }) => {
  const rules = recording?.retention ?? [];
  const known = services?.map(({ name }) => name);
  return [
    ...unique(
      rules,
      ({ name }) => name,
      (at) => [...retentionPath(at), 'name'],
    ),
    ...rules.flatMap(({ groups, services: wanted, keep }, at) => [
      // groups stand in the recordings themselves
      ...when(
        groups.length > 0 && (recording?.recipients.length ?? 0) > 0,
        [...retentionPath(at), 'groups'],
        'the gateway cannot look at groups of callers in recordings that only `recording.recipients` can read',
      ),
      ...when(keep === 0, [...retentionPath(at), 'keep'], 'expected more than zero'),
      ...(known === undefined
        ? []
        : wanted.flatMap((name, place) => unknownService(name, known, [...retentionPath(at), 'services', place]))),
    ]),
  ];
};

const CHECKS: readonly Check[] = [
  names('services'),
  names('policies'),
  names('detectors'),
  names('masking'),
  ownDetectorIssues,
  entityIssues,
  maskKeyIssues,
  maskPlaceIssues,
  classifierNameIssues,
  ...ADDRESS_CHECKS,
  issuers,
  clockSkew,
  bounds,
  ...SERVICE_CHECKS,
  ...POLICY_CHECKS,
  retention,
  witnessIssues,
];

/** Returns everything that does not hold between the sections. */
export const checkSections = (sections: Sections): readonly ConfigIssue[] => CHECKS.flatMap((check) => check(sections));
