/** The identity provider of a bench: one real key, its discovery document and JWKS over loopback HTTP, many tokens. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** A running issuer. */
export interface Issuer {
  /** The `iss` of its tokens. */
  readonly url: string;
  readonly audience: string;
  /** Distinct tokens of distinct people, valid for an hour. */
  readonly tokens: readonly string[];
  close(): void;
}

/** Returns an issuer that has signed `count` tokens with RS256, as most identity providers do, with the usual claims. */
export async function startIssuer(count: number): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 });
  const key = { ...(await exportJWK(publicKey)), kid: 'bench-1', alg: 'RS256', use: 'sig' };
  const server = createServer((request, response) => {
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` },
      '/jwks': { keys: [key] },
    };
    const document = documents[request.url ?? ''];
    response.writeHead(document === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(document ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  const url = `http://127.0.0.1:${address.port}`;
  const audience = 'sallyport';
  const token = (_: unknown, i: number): Promise<string> =>
    new SignJWT({
      email: `person-${i}@example.com`,
      name: `Person ${i}`,
      groups: ['staff', 'ml', `team-${i % 40}`],
      client_id: 'workbench',
      scope: 'openid profile',
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'bench-1', typ: 'at+jwt' })
      .setIssuer(url)
      .setAudience(audience)
      .setSubject(`user-${i}`)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  const tokens = await Promise.all(Array.from({ length: count }, token));
  return { url, audience, tokens, close: () => void server.close() };
}
