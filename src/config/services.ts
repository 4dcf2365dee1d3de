/** What must hold of services, and of the classifiers that stand beside them. */

import { splitUpstream } from '../address.ts';
import { safeJson } from '../safe-text.ts';
import { compileSelectors, SelectorError } from '../selectors.ts';
import { BASE, type Check, isBase, isKnown, issue, positive, unique, when } from './check.ts';
import { guardIssues } from './guards.ts';
import type { ConfigIssue } from './issues.ts';
import type { ConfigPath } from './yaml.ts';

/** Header fields that frame a message or route it: not a place for a credential (RFC 9110 §7.6.1). */
const FRAMING = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** RFC 9110 §5.1: a field name is a token. */
const mayCarryCredential = (header: string): boolean =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header) && !FRAMING.has(header.toLowerCase());

const credentialHeaders: Check = ({ services = [] }) =>
  services.flatMap(({ upstream: { credential } }, at) => {
    if (typeof credential !== 'object' || !('header' in credential)) return [];
    const { header } = credential;
    return when(
      !mayCarryCredential(header),
      ['services', at, 'upstream', 'credential', 'header'],
      `expected the name of a header field that may carry a credential, found ${safeJson(header)}`,
    );
  });

const selectorIssue = (selector: string, path: ConfigPath): readonly ConfigIssue[] => {
  try {
    compileSelectors([selector]);
    return [];
  } catch (error) {
    if (error instanceof SelectorError) return [issue(path, `${safeJson(selector)}: ${error.message}`)];
    throw error;
  }
};

/** Every other protocol knows where its texts are. */
const selectors: Check = ({ services = [] }) =>
  services.flatMap((service, at) =>
    (['texts', 'fragments'] as const).flatMap((key) => {
      const list = service[key];
      if (list === undefined) return [];
      const path = ['services', at, key];
      if (service.protocol !== 'http')
        return [issue(path, `only a service of the protocol http says so, this one is ${service.protocol}`)];
      return list.flatMap((selector, place) => selectorIssue(selector, [...path, place]));
    }),
  );

/** gRPC's length prefix has 32 bits; the official implementations stop at INT32_MAX. */
const MAX_GRPC_MESSAGE = 2 ** 31 - 1;

const grpcServices: Check = ({ services = [] }) =>
  services.flatMap(({ grpc }, at) => {
    if (grpc === undefined) return [];
    const path = ['services', at, 'grpc'];
    const { url, max_message: longest } = grpc;
    return [
      ...when(url !== undefined && !isBase(url), [...path, 'url'], BASE),
      ...when(
        url !== undefined && new URL(url).pathname !== '/',
        [...path, 'url'],
        'expected an origin: gRPC has no mount path',
      ),
      ...when(longest === 0, [...path, 'max_message'], 'expected more than zero'),
      ...when(longest > MAX_GRPC_MESSAGE, [...path, 'max_message'], `expected at most ${MAX_GRPC_MESSAGE}B`),
    ];
  });

/** Keys that no connection would use look like keys that one does. */
const upstreamTls: Check = ({ services = [] }) =>
  services.flatMap(({ upstream: { url, tls }, grpc }, at) => {
    if (tls === undefined) return [];
    const path = ['services', at, 'upstream', 'tls'];
    const secure = [url, grpc?.url].some((text) => text?.startsWith('https:') === true);
    return [
      ...when(!secure, path, 'expected https in the URL of the model server: without it no TLS is spoken'),
      ...when(tls.cert !== undefined && tls.key === undefined, path, 'expected key beside cert'),
      ...when(tls.key !== undefined && tls.cert === undefined, path, 'expected cert beside key'),
    ];
  });

const guards: Check = ({ services = [] }) => services.flatMap(guardIssues);

/** What each kind of classifier cannot be asked without, and what others do not know. */
const NEEDS = { 'llama-guard': 'model', bedrock: 'guardrail' } as const;

const classifiers: Check = ({ classifiers: entries = [], services }) => [
  ...unique(
    entries,
    ({ name }) => name,
    (at) => ['classifiers', at, 'name'],
  ),
  ...entries.flatMap((entry, at) => {
    const path = ['classifiers', at];
    const { kind, url, credential } = entry;
    const strangers = services === undefined ? [] : entry.services.filter((each) => !isKnown(services, each));
    return [
      ...Object.entries(NEEDS).flatMap(([owner, key]) => [
        ...when(owner === kind && entry[key] === undefined, path, `expected ${key} for a classifier of this kind`),
        ...when(owner !== kind && entry[key] !== undefined, [...path, key], `only ${owner} has it, this is ${kind}`),
      ]),
      ...when(kind !== 'presidio' && entry.entities.length > 0, [...path, 'entities'], 'only presidio has it'),
      ...when(!isBase(url) || splitUpstream(url) === null, [...path, 'url'], BASE),
      ...when(
        kind === 'bedrock' && (typeof credential !== 'object' || !('aws' in credential)),
        [...path, 'credential'],
        'expected { aws: … }: Bedrock takes signed requests only',
      ),
      ...when(
        typeof credential === 'object' && 'header' in credential && !mayCarryCredential(credential.header),
        [...path, 'credential', 'header'],
        'expected the name of a header field that may carry a credential',
      ),
      ...positive(entry, path, ['timeout']),
      ...positive(entry.circuit, [...path, 'circuit'], ['pause']),
      ...positive(entry.window, [...path, 'window'], ['time']),
      ...strangers.map((each) => issue([...path, 'services'], `no service is named ${safeJson(each)}`)),
    ];
  }),
];

/** All of them. */
export const SERVICE_CHECKS: readonly Check[] = [
  credentialHeaders,
  selectors,
  grpcServices,
  guards,
  upstreamTls,
  classifiers,
];
