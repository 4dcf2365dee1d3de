/** What must hold between the parts of a config, beyond what each part says of itself. */

import { isIP } from 'node:net';
import { isLoopback, splitUpstream, unixPath } from '../address.ts';
import type { Config } from '../config.ts';
import { wrongApprover } from './approvers.ts';
import { classifierNameIssues, entityIssues, maskKeyIssues, maskPlaceIssues, ownDetectorIssues } from './detectors.ts';
import { guardIssues } from './guards.ts';
import type { ConfigIssue } from './issues.ts';
import type { ConfigPath } from './yaml.ts';
import { witnessIssues } from './ledger.ts';
import { nearest } from '../nearest.ts';
import { safeJson } from '../safe-text.ts';
import { compileSelectors, SelectorError } from '../selectors.ts';

/** The sections that are in order by themselves: a check sees them even while others are not. */
export type Sections = Partial<Config>;

type Check = (sections: Sections) => readonly ConfigIssue[];

/** First path segments that the gateway answers itself (DESIGN.md "Addressing"). */
const RESERVED = new Set(['.well-known', 'oauth']);
const MAX_CLOCK_SKEW = 60_000;
const MAX_PORT = 65_535;

const issue = (path: ConfigPath, message: string): ConfigIssue => ({ path, message, atKey: false });

const when = (wrong: boolean, path: ConfigPath, message: string): readonly ConfigIssue[] =>
  wrong ? [issue(path, message)] : [];

/** Returns an issue for every entry whose `key` an earlier entry has already. */
const unique = <T>(
  entries: readonly T[],
  key: (entry: T) => string | undefined,
  path: (at: number) => ConfigPath,
): readonly ConfigIssue[] => {
  const seen = new Set<string>();
  return entries.flatMap((entry, at) => {
    const word = key(entry);
    if (word === undefined) return [];
    if (seen.has(word)) return [issue(path(at), `${safeJson(word)} is taken by an earlier entry`)];
    seen.add(word);
    return [];
  });
};

const names = (section: 'services' | 'policies' | 'detectors' | 'masking'): Check => {
  const path = (at: number) => [section, at, 'name'];
  return (sections) => unique<{ readonly name: string }>(sections[section] ?? [], ({ name }) => name, path);
};

const reservedNames: Check = ({ services = [] }) =>
  services.flatMap(({ name }, at) =>
    when(RESERVED.has(name), ['services', at, 'name'], `${safeJson(name)} is an address of the gateway itself`),
  );

const isHost = (host: string): boolean => URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host;

const hosts: Check = ({ services = [] }) => [
  ...unique(
    services,
    ({ host }) => host,
    (at) => ['services', at, 'host'],
  ),
  ...services.flatMap(({ host }, at) =>
    when(
      host !== undefined && !isHost(host),
      ['services', at, 'host'],
      `expected a lower-case host name, with a port unless it is 80, found ${safeJson(host)}`,
    ),
  ),
];

const unknownService = (name: string, known: readonly string[], path: ConfigPath): readonly ConfigIssue[] => {
  if (known.includes(name)) return [];
  const meant = nearest(name, known);
  const hint = meant === null ? `there are ${known.join(', ')}` : `did you mean ${safeJson(meant)}?`;
  return [issue(path, `no service is named ${safeJson(name)}; ${hint}`)];
};

const listenerServices: Check = ({ listeners = [], services }) => {
  const known = services?.map(({ name }) => name);
  if (known === undefined) return [];
  return listeners.flatMap(({ service }, at) =>
    service === undefined ? [] : unknownService(service, known, ['listeners', at, 'service']),
  );
};

/** Shorter than a path in `sockaddr_un` on Linux (108) and macOS (104), where a longer one would be cut or refused. */
const MAX_SOCKET_PATH = 100;

const socketPaths: Check = ({ listeners = [], services = [] }) => [
  ...listeners.flatMap(({ address }, at) => {
    const bytes = Buffer.byteLength(unixPath(address) ?? '');
    const why = `expected the path of a socket of at most ${MAX_SOCKET_PATH} bytes, found ${bytes}`;
    return when(bytes > MAX_SOCKET_PATH, ['listeners', at, 'address'], why);
  }),
  ...services.flatMap(({ upstream: { url } }, at) =>
    when(
      url.startsWith('unix:') && splitUpstream(url) === null,
      ['services', at, 'upstream', 'url'],
      `expected unix:/PATH or unix:/PATH:/MOUNT, found ${safeJson(url)}`,
    ),
  ),
];

const portOf = (address: string): number =>
  unixPath(address) === null ? Number(/:(\d+)$/.exec(address)?.[1]) : Number.NaN;

const addresses: Check = ({ listeners = [], control }) => {
  const all: { address: string; path: ConfigPath }[] = listeners.map(({ address }, at) => ({
    address,
    path: ['listeners', at, 'address'],
  }));
  if (control !== undefined) all.push({ address: control.address, path: ['control', 'address'] });
  return [
    // Port 0 is any free port, so two of them are two.
    ...unique(
      all,
      ({ address }) => (portOf(address) === 0 ? undefined : address),
      (at) => all[at]?.path ?? [],
    ),
    ...all.flatMap(({ address, path }) =>
      when(portOf(address) > MAX_PORT, path, `expected a port of at most ${MAX_PORT}, found ${portOf(address)}`),
    ),
  ];
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

/** A query, fragment or userinfo in a base URL would silently be lost or leaked. */
const isBase = (text: string): boolean => {
  const { search, hash, username, password } = new URL(text);
  return [search, hash, username, password].every((part) => part === '');
};

const BASE = 'expected a URL without user, query or fragment';

const baseUrls: Check = ({ public_url: publicUrl, services = [] }) => [
  ...when(publicUrl !== undefined && !isBase(publicUrl), ['public_url'], BASE),
  ...services.flatMap(({ upstream }, at) => when(!isBase(upstream.url), ['services', at, 'upstream', 'url'], BASE)),
];

const isRange = (text: string): boolean => {
  if (text === 'unix') return true;
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)];
  if (most === undefined || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
};

const trustedProxies: Check = ({ trusted_proxies: ranges = [] }) =>
  ranges.flatMap((range, at) =>
    when(
      !isRange(range),
      ['trusted_proxies', at],
      `expected an address, a CIDR range or unix, found ${safeJson(range)}`,
    ),
  );

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

const positive = (section: object | undefined, path: ConfigPath, keys: readonly string[]): readonly ConfigIssue[] =>
  Object.entries(section ?? {}).flatMap(([key, value]) =>
    when(keys.includes(key) && value === 0, [...path, key], 'expected more than zero'),
  );

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

/** An answer cannot wait for a human, nor can one message of a stream; and what the model says needs no allowing. */
const ruleSubjects: Check = ({ policies = [] }) =>
  policies.flatMap(({ on, then }, at) => [
    ...when(
      on === 'answer' && then !== 'deny',
      ['policies', at, 'then'],
      'expected deny: a rule on answers can only deny',
    ),
    ...when(
      on === 'message' && typeof then === 'object',
      ['policies', at, 'then'],
      'expected allow or deny: a message cannot wait for a human',
    ),
  ]);

const WINDOWED = ['requests', 'tokens', 'spend', 'answer_tokens', 'answer_bytes', 'distinct_inputs'] as const;
const MIN_WINDOW = 1_000;
const MAX_WINDOW = 31 * 86_400_000;

/** A limit that counts nothing, or against nothing, would look like one that is in force. */
const limits: Check = ({ policies = [], prices = [] }) =>
  policies.flatMap(({ then, limit }, at) => {
    const path = ['policies', at, 'limit'];
    if (limit === undefined) return when(then === undefined, ['policies', at], 'expected then, limit, or both');
    const { per, within, spend, concurrent, answer_bytes: bytes } = limit;
    const windowed = WINDOWED.filter((key) => limit[key] !== undefined);
    return [
      ...when(then === 'deny', path, 'expected no limit in a rule that denies: nothing is left to be limited'),
      ...when(
        windowed.length === 0 && concurrent === undefined,
        path,
        `expected at least one of ${WINDOWED.join(', ')}, concurrent`,
      ),
      ...when(within === undefined && windowed.length > 0, path, `expected within beside ${windowed.join(', ')}`),
      ...when(
        within !== undefined && (within < MIN_WINDOW || within > MAX_WINDOW),
        [...path, 'within'],
        'expected 1s to 31d',
      ),
      ...when(bytes === 0, [...path, 'answer_bytes'], 'expected more than zero'),
      ...when(new Set(per).size < per.length, [...path, 'per'], 'expected each word once'),
      ...when(
        spend !== undefined && prices.length === 0,
        [...path, 'spend'],
        'expected prices in the config: without them no call costs anything',
      ),
    ];
  });

/** A quorum that the named people can never fill would hold calls for nothing. */
const quorums: Check = ({ policies = [] }) =>
  policies.flatMap(({ then }, at) => {
    if (typeof then !== 'object') return [];
    const { by, quorum, within, use_within: useWithin } = then.approve;
    const path = ['policies', at, 'then', 'approve'];
    const people = new Set(by);
    const few = by.every((who) => who.startsWith('subject:')) && people.size < quorum;
    return [
      ...when(few, [...path, 'quorum'], `expected at most ${people.size}, as many as may approve, found ${quorum}`),
      ...when(within === 0, [...path, 'within'], 'expected more than zero'),
      ...when(useWithin === 0, [...path, 'use_within'], 'expected more than zero'),
    ];
  });

/** An approver who cannot be, or whom an issuer could name that nobody meant. */
const approvers: Check = ({ policies = [], identity }) =>
  policies.flatMap(({ then }, at) => {
    if (typeof then !== 'object' || identity === undefined) return [];
    return then.approve.by.flatMap((who, place) => {
      const wrong = wrongApprover(who, identity.issuers);
      return wrong === null ? [] : [issue(['policies', at, 'then', 'approve', 'by', place], wrong)];
    });
  });

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

const isKnown = (services: readonly { readonly name: string }[], wanted: string): boolean =>
  services.some(({ name }) => name === wanted);

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
  reservedNames,
  hosts,
  listenerServices,
  addresses,
  socketPaths,
  issuers,
  clockSkew,
  baseUrls,
  trustedProxies,
  credentialHeaders,
  bounds,
  selectors,
  ruleSubjects,
  limits,
  quorums,
  approvers,
  grpcServices,
  guards,
  retention,
  witnessIssues,
  upstreamTls,
  classifiers,
];

/** Returns everything that does not hold between the sections. */
export const checkSections = (sections: Sections): readonly ConfigIssue[] => CHECKS.flatMap((check) => check(sections));
