/** Compiles one config into what calls run on. Everything that can be done once is done here, at load. */

import { createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { unixPath } from '../address.ts';
import type { Clock } from '../clock.ts';
import type { Config, MaskingConfig, SecretRef, ServiceConfig } from '../config.ts';
import { classifierOf, foundOutside } from '../config/classifiers.ts';
import { compilePolicies } from '../decide/compile.ts';
import { inForce } from '../decide/in-force.ts';
import { valueDigest } from '../detect/digest.ts';
import type { Catalog } from '../detect/entities.ts';
import { catalogWith } from '../detect/own.ts';
import { compileScanner } from '../detect/scanner.ts';
import { compileToolGuard } from '../guard/tools.ts';
import { createIdentifier, CREDENTIAL_HEADERS } from '../identify/identify.ts';
import { compileLimits } from '../limit/compile.ts';
import type { Log } from '../log.ts';
import { encryptionKeys } from '../mask/encrypt.ts';
import { NO_MASKER, outsideMasker } from '../mask/outside.ts';
import { compilePlaces } from '../mask/place.ts';
import { compileTextMasker, type MaskRule, type SessionUse, type TextMasker } from '../mask/text-masker.ts';
import { codecFor } from '../protocol/codecs.ts';
import { openClassifiers, type OpenClassifier } from './classifiers.ts';
import type { Epoch, OutsideMasking, Served } from './gate.ts';
import { serveGrpc } from './grpc/serve.ts';
import { MetadataCache, type ModelGeneration } from './metadata-cache.ts';
import { compileRoutes } from './route.ts';
import { type AwsKeys, signer } from './sigv4.ts';
import { openUpstream, type Signing } from './upstream.ts';
import { readUpstreamTls } from './upstream-tls.ts';

/** What an epoch is made with. */
export interface EpochParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves a secret reference to its text. Throws when it cannot. */
  readonly secret: (ref: SecretRef) => string;
  /** The version of the gateway. */
  readonly version: string;
  /** Returns the bytes of a file that the config names. Throws when it cannot be read. */
  readonly file: (path: string) => Uint8Array;
  /** The deployment's own key, for the `hash` operator and for the originals of signed texts. */
  readonly maskKey: Uint8Array;
  /** What counts are named under. */
  readonly countKey: Uint8Array;
  readonly models: ModelGeneration;
}

/** An epoch that holds connections and keys. */
export interface OpenEpoch extends Epoch {
  readonly classifiers: readonly OpenClassifier[];
  /** Lets go of what the next epoch does not use; calls under way keep what they have until they end. */
  close(next: OpenEpoch | null): Promise<void>;
}

/** Returns the epoch of a config, reusing connections and known keys of `previous` where nothing about them changed. Throws on a bad config. */
export function openEpoch(config: Config, parts: EpochParts, previous: OpenEpoch | null): OpenEpoch {
  const policy = compilePolicies(config);
  const limits = compileLimits({ policies: config.policies, prices: config.prices, secret: parts.countKey });
  const catalog = catalogWith(config.detectors);
  const scanner = compileScanner(everyEntity(catalog), catalog);
  const digestKey = createHmac('sha256', parts.maskKey).update('sallyport mask hash v1').digest();
  const { maskerFor, outsideOf, alsoOutside } = compileMaskers(config, catalog, parts, digestKey);
  const classifiers = openClassifiers(config.classifiers, parts, previous?.classifiers ?? []);
  const dropper = compileTextMasker([{ entities: everyEntity(catalog), with: 'drop' }], parts.maskKey, catalog);
  const sealKey = createHmac('sha256', parts.maskKey).update('sallyport signed text v1').digest();
  const services = config.services.map((service) => serve(service, parts, previous));
  const identifier = sameIdentity(config, previous)
    ? previous.identifier
    : createIdentifier({ identity: config.identity, publicUrl: publicUrl(config), clock: parts.clock, log: parts.log });
  return {
    config,
    inForce: inForce(config, parts).hash,
    policy,
    limits,
    scanner,
    maskerFor,
    digestKey,
    digest: (kind, value) => valueDigest(digestKey, kind, value),
    restores: config.masking.some(restoresAnswers),
    outsideOf,
    classifiers,
    dropper,
    alsoOutside,
    sealKey,
    identifier,
    routes: compileRoutes(services),
    served: services,
    async close(next) {
      if (next?.identifier !== identifier) identifier.close();
      const kept = new Set<unknown>([
        ...(next?.served.flatMap(({ upstream, grpc }) => [upstream, grpc?.upstream.sessions]) ?? []),
        ...(next?.classifiers ?? []),
      ]);
      const open = [
        ...services.flatMap(({ upstream, grpc }) => (grpc === null ? [upstream] : [upstream, grpc.upstream.sessions])),
        ...classifiers,
      ];
      await Promise.all(open.filter((upstream) => !kept.has(upstream)).map((upstream) => upstream.close()));
    },
  };
}

/** Returns where callers reach the gateway: `public_url`, or the first listener. */
export const publicUrl = (config: Config): string => config.public_url ?? firstListener(config);

function firstListener({ listeners: [first] }: Config): string {
  const address = first?.address ?? '';
  const host = unixPath(address) === null ? address : 'localhost';
  return `${first?.tls === undefined ? 'http' : 'https'}://${host}`;
}

function sameIdentity(config: Config, previous: OpenEpoch | null): previous is OpenEpoch {
  return (
    previous !== null &&
    isDeepStrictEqual(previous.config.identity, config.identity) &&
    publicUrl(previous.config) === publicUrl(config)
  );
}

function serve(config: ServiceConfig, parts: EpochParts, previous: OpenEpoch | null): Served {
  const secret = credentialSecret(config, parts);
  const keys = awsKeys(config, parts);
  const tls = readUpstreamTls(config, parts.secret);
  const known = previous?.served.find((served) => served.config.name === config.name);
  const reusable =
    known !== undefined &&
    known.upstream.secret === secret &&
    isDeepStrictEqual(known.upstream.signing?.keys ?? null, keys) &&
    isDeepStrictEqual(known.upstream.tls, tls) &&
    isDeepStrictEqual(known.config.upstream, config.upstream);
  const upstream = reusable
    ? known.upstream
    : openUpstream(config, CREDENTIAL_HEADERS, { secret, signing: signingWith(keys, parts), tls });
  return {
    config,
    codec: codecFor(config.protocol, config),
    upstream,
    grpc: serveGrpc(config, { secret, tls }, parts.file, known ?? null),
    tools: config.tools === undefined ? null : compileToolGuard(config.tools),
    metadata: config.tensors === undefined ? null : new MetadataCache(config.tensors.fresh, parts.clock, parts.models),
  };
}

function credentialSecret({ upstream: { credential } }: ServiceConfig, parts: EpochParts): string {
  if (credential === 'none') return '';
  // a signature gives no key away: of what signs, only the session token goes upstream
  if ('aws' in credential)
    return credential.aws.session_token === undefined ? '' : parts.secret(credential.aws.session_token);
  return parts.secret('bearer' in credential ? credential.bearer : credential.value);
}

/** Returns the keys that calls of a service are signed with, null where they are not signed. */
function awsKeys({ upstream: { credential } }: ServiceConfig, parts: EpochParts): AwsKeys | null {
  if (credential === 'none' || !('aws' in credential)) return null;
  const { region, service, access_key_id: id, secret_access_key: key, session_token: token } = credential.aws;
  return {
    region,
    service,
    accessKeyId: parts.secret(id),
    secretAccessKey: parts.secret(key),
    sessionToken: token === undefined ? '' : parts.secret(token),
  };
}

const signingWith = (keys: AwsKeys | null, { clock }: EpochParts): Signing | null =>
  keys === null ? null : { keys, sign: signer(keys, () => clock.now()) };

/** Requests are scanned for everything there is, so that the record says what was found even where nothing masks it. */
const everyEntity = ({ entities }: Catalog): readonly string[] => entities.map(({ name }) => name);

const restoresAnswers = ({ with: operator, direction, restore }: MaskingConfig): boolean =>
  operator === 'tokenize' && direction !== 'response' && restore;

function maskRule({ name, entities, with: operator, key, restore, at }: MaskingConfig, parts: EpochParts): MaskRule {
  const rule = { entities, with: operator, restore, ...(at === undefined ? {} : { places: compilePlaces(at) }) };
  if (key === undefined) return rule;
  try {
    return { ...rule, encryption: encryptionKeys(parts.secret(key)) };
  } catch (cause) {
    throw new Error(`the key of masking rule ${name} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * Maskers by the set of rules that apply; there are few such sets, and each is compiled once. What is handed out is a
 * session of its own: tokens of one call tell nothing about another.
 */
function compileMaskers(
  config: Config,
  catalog: Catalog,
  parts: EpochParts,
  digestKey: Uint8Array,
): Pick<Epoch, 'maskerFor' | 'outsideOf' | 'alsoOutside'> {
  const isOutside = foundOutside(config);
  const rules = new Map(config.masking.map((rule) => [rule.name, splitRule(maskRule(rule, parts), isOutside)]));
  const made = new Map<string, TextMasker>();
  const outsideRulesOf = remembered((names) => {
    const outside = names.flatMap((name) => rules.get(name)?.outside ?? []);
    const classifiers = new Set(outside.flatMap(({ entities }) => entities.map(classifierOf)));
    return { classifiers, rules: outside };
  });
  const builtIn = (names: readonly string[], watching: boolean, use: SessionUse): TextMasker => {
    const id = [...names, watching].join(' ');
    const known = made.get(id);
    if (known !== undefined) return known.session(use);
    const chosen: MaskRule[] = names.flatMap((name) => rules.get(name)?.own ?? []);
    if (watching) chosen.push({ entities: everyEntity(catalog), with: 'keep' });
    const masker = chosen.length === 0 ? NO_MASKER : compileTextMasker(chosen, digestKey, catalog);
    made.set(id, masker);
    return masker.session(use);
  };
  return {
    outsideOf: outsideRulesOf,
    maskerFor: (names, watching, use) => (names.length === 0 && !watching ? null : builtIn(names, watching, use)),
    alsoOutside(names, masker, findings, use) {
      const { rules: outsideRules } = outsideRulesOf(names);
      return outsideRules.length === 0 ? masker : outsideMasker(masker, findings, outsideRules, digestKey, use);
    },
  };
}

const NO_OUTSIDE: OutsideMasking = { classifiers: new Set(), rules: [] };

function remembered(make: (names: readonly string[]) => OutsideMasking): Epoch['outsideOf'] {
  const made = new Map<string, OutsideMasking>();
  return (names) => {
    if (names.length === 0) return NO_OUTSIDE;
    const id = names.join(' ');
    const known = made.get(id) ?? make(names);
    made.set(id, known);
    return known;
  };
}

/** Returns a masking rule as one on what detectors find and one on what classifiers find, either of them possibly none. */
function splitRule(
  { entities, ...how }: MaskRule,
  isOutside: (entity: string) => boolean,
): { readonly own: readonly MaskRule[]; readonly outside: readonly MaskRule[] } {
  const [outside, own] = [entities.filter(isOutside), entities.filter((entity) => !isOutside(entity))];
  return {
    own: own.length === 0 ? [] : [{ entities: own, ...how }],
    outside: outside.length === 0 ? [] : [{ entities: outside, ...how }],
  };
}
