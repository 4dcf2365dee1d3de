/**
 * A real OpenID provider on a loopback port, with named people and workloads, for tests and the demo.
 *
 * Workloads use the client credentials grant (RFC 6749 §4.4). People use the password grant (RFC 6749 §4.3), which
 * oidc-provider leaves to its users to add: it is the one grant that yields a person's token in a single request and
 * without a browser. Everybody's password is their name.
 */

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnLoopback, stopListening } from './loopback.ts';
import { makeProvider, OVERRIDES, PEOPLE_CLIENT, type Roster, secretOf, type TokenOverrides } from './oidc-provider.ts';
import { type SigningKey, signingKey, signJwt } from './token-issuer.ts';

/** Who there is when nothing else is said: a user, an approver, somebody who may see personal data. */
const PEOPLE: Roster = { alice: ['ml'], bob: ['ml', 'ml-leads'], carol: ['ml', 'privacy-cleared'] };

/** What there is beside people when nothing else is said. */
const WORKLOADS: Roster = { ci: ['ci'] };

/** How a provider starts. */
export interface IdentityProviderOptions {
  readonly people?: Roster;
  readonly workloads?: Roster;
  /** `aud` of the tokens; `sallyport` when absent. */
  readonly audience?: string;
  /** Any free one when absent. */
  readonly port?: number;
}

/** A running provider. */
export interface IdentityProvider {
  /** Its `iss`; also where it listens. */
  readonly issuer: string;
  /** Paths that it was asked for, in order. */
  readonly asked: readonly string[];
  /** Returns a fresh access token of a person or workload, got over HTTP. Rejects for an unknown name. */
  token(name: string, overrides?: TokenOverrides): Promise<string>;
  /** Returns a token with exactly these claims, whatever they are, under the ES256 key that signs now. */
  sign(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string;
  /** Signs with new keys from now on. `retire: true` stops publishing the old ones. */
  rotate(options?: { readonly retire?: boolean }): Promise<void>;
  /** Stops listening, as in an outage. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  start(): Promise<void>;
}

const freshKeys = (): readonly [rsa: SigningKey, ec: SigningKey] => {
  const id = randomUUID().slice(0, 8);
  return [signingKey(`rs-${id}`, 'RS256'), signingKey(`es-${id}`, 'ES256')];
};

/** Returns what a token request says of who asks. */
const credentials = (name: string, isPerson: boolean): Record<string, string> =>
  isPerson
    ? { grant_type: 'password', client_id: PEOPLE_CLIENT, username: name, password: name }
    : { grant_type: 'client_credentials' };

async function requestToken(url: string, name: string, isPerson: boolean, overrides: string): Promise<string> {
  const basic = Buffer.from(`${name}:${secretOf(name)}`).toString('base64');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { [OVERRIDES]: overrides, ...(isPerson ? {} : { authorization: `Basic ${basic}` }) },
    body: new URLSearchParams(credentials(name, isPerson)),
  });
  const body: unknown = await answer.json();
  if (typeof body === 'object' && body !== null && 'access_token' in body) return String(body.access_token);
  throw new Error(`expected an access token for ${name}, found status ${answer.status} ${JSON.stringify(body)}`);
}

/** Answers until there is a provider: its issuer has the port, so the port comes first. */
const notYet = (_: IncomingMessage, res: ServerResponse): void => {
  res.writeHead(503).end();
};

/** Starts a provider and resolves once it listens. `stop` ends it. */
export async function startIdentityProvider(options: IdentityProviderOptions = {}): Promise<IdentityProvider> {
  const { people = PEOPLE, workloads = WORKLOADS, audience = 'sallyport' } = options;
  const asked: string[] = [];
  const overrides = new Map<string, TokenOverrides>();
  let { port = 0 } = options;
  let keys: readonly SigningKey[] = [];
  let signing = freshKeys();
  let handle = notYet;

  const server = createServer((req, res) => {
    asked.push(req.url ?? '');
    // a connection kept open would break under a client when the provider stops
    res.shouldKeepAlive = false;
    handle(req, res);
  });
  const issuer = (): string => `http://127.0.0.1:${port}`;
  const publish = async (published: readonly SigningKey[]): Promise<void> => {
    const made = { issuer: issuer(), people, workloads, audience, overrides };
    const provider = await makeProvider({ ...made, keys: published });
    keys = published;
    const callback = provider.callback();
    handle = (req, res) => void callback(req, res);
  };
  const start = async (): Promise<void> => {
    port = await listenOnLoopback(server, port);
  };

  await start();
  await publish(signing);
  return {
    issuer: issuer(),
    asked,
    async token(name, changes = {}) {
      const id = randomUUID();
      overrides.set(id, changes);
      try {
        return await requestToken(`${issuer()}/token`, name, Object.hasOwn(people, name), id);
      } finally {
        overrides.delete(id);
      }
    },
    sign: (claims, header = {}) => signJwt(signing[1], claims, header),
    async rotate({ retire = false } = {}) {
      signing = freshKeys();
      await publish(retire ? signing : [...signing, ...keys]);
    },
    start,
    stop: () => stopListening(server),
  };
}
