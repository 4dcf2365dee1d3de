/** What the identity provider of tests and demo is made of: oidc-provider, configured until nothing of it complains. */

import { randomUUID } from 'node:crypto';
import type {
  Adapter,
  AdapterPayload,
  Configuration,
  JWK,
  KoaContextWithOIDC,
  Provider,
  ResourceServer,
} from 'oidc-provider';
import type { SigningKey } from './token-issuer.ts';

/** Name → groups. */
export type Roster = Readonly<Record<string, readonly string[]>>;

/** What an access token says differently from the usual. */
export interface TokenOverrides {
  readonly audience?: string;
  readonly groups?: readonly string[];
  /** Seconds; 600 when absent. */
  readonly lifetime?: number;
  /** RS256 when absent. */
  readonly alg?: 'RS256' | 'ES256';
  /** Further claims; those of the protocol (`iss`, `sub`, `exp`, …) stay what they are. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What a provider is made with. */
export interface Making {
  readonly issuer: string;
  readonly people: Roster;
  readonly workloads: Roster;
  readonly audience: string;
  /** Published; the first of each algorithm signs. */
  readonly keys: readonly SigningKey[];
  /** Overrides by the id that a request names in `OVERRIDES`: only this process can put any there. */
  readonly overrides: ReadonlyMap<string, TokenOverrides>;
}

/** The public client that people sign in with. */
export const PEOPLE_CLIENT = 'sallyport-people';
/** The request header that names overrides. */
export const OVERRIDES = 'x-token-overrides';

const LIFETIME = 600;
/** RFC 8707: a resource is a URI; the audience of its tokens has a name of its own. */
const RESOURCE = 'urn:sallyport:gateway';

/** Returns the client secret of a workload; its client id is its name. */
export const secretOf = (workload: string): string => `secret-of-${workload}`;

/** oidc-provider, loaded without its verdict on the runtime, which knows only releases that are LTS already. */
async function loadLibrary() {
  const { warn } = console;
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn(...words);
  };
  try {
    return await import('oidc-provider');
  } finally {
    console.warn = warn;
  }
}

/** Keeps what grants need from one request to the next. The library's own such store warns that it is one. */
class MemoryAdapter implements Adapter {
  readonly #kept = new Map<string, AdapterPayload>();

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#kept.set(id, payload);
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#kept.get(id);
  }
  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return [...this.#kept.values()].find((payload) => payload.userCode === userCode);
  }
  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...this.#kept.values()].find((payload) => payload.uid === uid);
  }
  async consume(id: string): Promise<void> {
    const payload = this.#kept.get(id);
    if (payload !== undefined) payload.consumed = true;
  }
  async destroy(id: string): Promise<void> {
    this.#kept.delete(id);
  }
  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, payload] of this.#kept) if (payload.grantId === grantId) this.#kept.delete(id);
  }
}

const privateJwk = ({ jwk, privateKey }: SigningKey): JWK => ({ ...jwk, ...privateKey.export({ format: 'jwk' }) });

const clientsOf = (workloads: Roster): NonNullable<Configuration['clients']> => [
  {
    client_id: PEOPLE_CLIENT,
    token_endpoint_auth_method: 'none',
    grant_types: ['password'],
    redirect_uris: [],
    response_types: [],
  },
  ...Object.keys(workloads).map((name) => ({
    client_id: name,
    client_secret: secretOf(name),
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })),
];

type ResourceOf = (ctx: KoaContextWithOIDC) => ResourceServer;

function configure(
  making: Making,
  overridesOf: (ctx: KoaContextWithOIDC) => TokenOverrides,
  resourceOf: ResourceOf,
): Configuration {
  const groupsOf = (name: string): readonly string[] => making.people[name] ?? making.workloads[name] ?? [];
  const lifetime = (ctx: KoaContextWithOIDC): number => overridesOf(ctx).lifetime ?? LIFETIME;
  return {
    adapter: MemoryAdapter,
    jwks: { keys: making.keys.map(privateJwk) },
    cookies: { keys: [randomUUID()] },
    clients: clientsOf(making.workloads),
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    ttl: { AccessToken: lifetime, ClientCredentials: lifetime },
    extraTokenClaims: (ctx, token) => {
      const name = 'accountId' in token ? token.accountId : (token.clientId ?? '');
      const { groups = groupsOf(name), claims } = overridesOf(ctx);
      return { groups: [...groups], ...claims };
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: { enabled: true, defaultResource: () => RESOURCE, getResourceServerInfo: resourceOf },
    },
  };
}

/** Returns a provider; nothing listens yet. */
export async function makeProvider(making: Making): Promise<Provider> {
  const library = await loadLibrary();
  const overridesOf = (ctx: KoaContextWithOIDC): TokenOverrides => making.overrides.get(ctx.get(OVERRIDES)) ?? {};
  const resourceOf: ResourceOf = (ctx) => ({
    scope: '',
    audience: overridesOf(ctx).audience ?? making.audience,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: overridesOf(ctx).alg ?? 'RS256' } },
  });
  const provider = new library.Provider(making.issuer, configure(making, overridesOf, resourceOf));
  // RFC 6749 §4.3: a person's name and password for an access token
  provider.registerGrantType<{ username?: string; password?: string }>(
    'password',
    async (ctx) => {
      const { username = '', password } = ctx.oidc.params;
      if (!Object.hasOwn(making.people, username) || password !== username)
        throw new library.errors.InvalidGrant('wrong name or password');
      const grant = { accountId: username, client: ctx.oidc.client, grantId: randomUUID(), gty: 'password' };
      const token = new provider.AccessToken({
        ...grant,
        resourceServer: new provider.ResourceServer(RESOURCE, resourceOf(ctx)),
      });
      ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType };
    },
    ['username', 'password'],
  );
  return provider;
}
