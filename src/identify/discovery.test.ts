/** Where keys come from, and what an issuer may answer: over HTTP, from an issuer that answers anything. */

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Asking, identifying, identityConfig } from '../../test/support/identifying.ts';
import { listenOnLoopback, stopListening } from '../../test/support/loopback.ts';
import { type ManualTime, manualTime } from '../../test/support/manual-time.ts';
import {
  type Answer,
  type SigningKey,
  signingKey,
  signJwt,
  startTokenIssuer,
  type TokenIssuer,
} from '../../test/support/token-issuer.ts';

const MINUTE = 60_000;
const key = signingKey('k1');

let issuer: TokenIssuer;
let time: ManualTime;
let asking: Asking;

beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.stop());
beforeEach(() => {
  Object.assign(issuer, { published: [key.jwk], discovery: {}, answer: () => false });
  time = manualTime();
});
afterEach(() => asking.identifier.close());

const open = (entry: Readonly<Record<string, unknown>> = {}): void => {
  asking = identifying(identityConfig([{ issuer: issuer.url, audience: 'sallyport', ...entry }]), time);
};

let serial = 0;
/** Returns a token that nobody has seen, so that nothing is remembered of it. */
const token = (by: SigningKey = key, header: Readonly<Record<string, unknown>> = {}): string => {
  const now = Math.floor(time.clock.now() / 1000);
  const claims = { iss: issuer.url, sub: 'alice', aud: 'sallyport', iat: now, exp: now + 60, jti: `${serial++}` };
  return signJwt(by, claims, header);
};

const fetches = (): number => issuer.asked.filter((path) => path === '/jwks').length;

/** Waits until real I/O has made it true. */
const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) throw new Error('it never came true');
    await sleep(5);
  }
};

describe('the keys are found', () => {
  test('asks a configured jwks_uri without discovery', async () => {
    const before = issuer.asked.length;
    open({ jwks_uri: `${issuer.url}/jwks` });
    expect(await asking.outcome(token())).toBe('caller alice');
    expect(issuer.asked.slice(before)).toEqual(['/jwks']);
  });

  test('adds the well-known path to an issuer with a path, without its last slash', async () => {
    const tenant = `${issuer.url}/tenant/`;
    issuer.discovery = { issuer: tenant };
    const before = issuer.asked.length;
    open({ issuer: tenant });
    await until(() => asking.identifier.ready());
    expect(issuer.asked.slice(before)).toEqual(['/tenant/.well-known/openid-configuration', '/jwks']);
  });
});

/** Opens an identifier on this discovery document, and nothing comes of it. */
const refused = async (discovery: Readonly<Record<string, unknown>>): Promise<void> => {
  issuer.discovery = discovery;
  const before = fetches();
  open();
  expect(await asking.outcome(token())).toBe('issuer-unavailable');
  expect(asking.identifier.ready()).toBe(false);
  expect(fetches()).toBe(before);
};

describe('discovery is refused', () => {
  test('for another issuer', () => refused({ issuer: 'https://evil.example' }));
  test('for the issuer with a slash more', () => refused({ issuer: `${issuer.url}/` }));
  test('without an issuer', () => refused({ issuer: undefined }));
  test('without a jwks_uri', () => refused({ jwks_uri: undefined }));
  test('with a jwks_uri that is no string', () => refused({ jwks_uri: [`${issuer.url}/jwks`] }));
  test.each([
    'http://idp.example/jwks',
    'file:///etc/passwd',
    'ftp://127.0.0.1/jwks',
    'data:application/json,{}',
    '/jwks',
  ])('with a jwks_uri of %s', (uri) => refused({ jwks_uri: uri }));
  test('with a user in its jwks_uri', () =>
    refused({ jwks_uri: `${issuer.url.replace('://', '://user:pass@')}/jwks` }));
});

/** Answers only requests for the key set. */
const onKeys =
  (answer: (...args: Parameters<Answer>) => void): Answer =>
  (req, res) => {
    if (req.url !== '/jwks') return false;
    answer(req, res);
    return true;
  };
const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ...key.jwk, kid: `k${i}` }));

describe('an answer is no key set', () => {
  test.each<[string, Answer]>([
    ['when it redirects, even to the same keys', onKeys((_, res) => res.writeHead(302, { location: '/keys' }).end())],
    ['when it is an error', onKeys((_, res) => res.writeHead(500).end(JSON.stringify({ keys: [key.jwk] })))],
    ['when it is no JSON', onKeys((_, res) => res.end('<html>'))],
    ['when it is cut off', onKeys((_, res) => res.end('{"keys":['))],
    ['when it is an array', onKeys((_, res) => res.end(JSON.stringify([key.jwk])))],
    ['when keys is no array', onKeys((_, res) => res.end(JSON.stringify({ keys: { 0: key.jwk } })))],
    ['when it repeats a member', onKeys((_, res) => res.end(`{"keys":[],"keys":[${JSON.stringify(key.jwk)}]}`))],
    ['when it has 101 keys', onKeys((_, res) => res.end(JSON.stringify({ keys: many(101) })))],
    [
      'when it is larger than 256 KiB',
      onKeys((_, res) => res.end(JSON.stringify({ keys: [key.jwk], pad: 'x'.repeat(256 * 1024) }))),
    ],
    ['when it never ends', onKeys((_, res) => endless(res))],
    ['when the connection breaks', onKeys((_, res) => void res.destroy())],
  ])('%s', async (_, answer) => {
    issuer.answer = answer;
    open();
    expect(await asking.outcome(token())).toBe('issuer-unavailable');
    expect(issuer.asked.at(-1)).toBe('/jwks');
  });

  test('when it takes longer than five seconds', async () => {
    issuer.answer = onKeys((_, res) => void res.write('{'));
    open();
    const began = performance.now();
    expect(await asking.outcome(token())).toBe('issuer-unavailable');
    expect(performance.now() - began).toBeLessThan(7_000);
  });

  test('and known keys serve on when one comes later', async () => {
    open();
    await asking.outcome(token());
    issuer.answer = onKeys((_, res) => res.end('<html>'));
    time.advance(8 * MINUTE);
    await until(() => asking.log.lines.some((line) => line.includes('cannot be fetched')));
    expect(await asking.outcome(token())).toBe('caller alice');
  });

  test('one hundred keys are', async () => {
    issuer.published = [...many(99), key.jwk];
    open();
    expect(await asking.outcome(token(key, { kid: 'k7' }))).toBe('caller alice');
  });
});

/** Writes until the reader has had enough. */
function endless(res: Parameters<Answer>[1]): void {
  const more = (): void => {
    while (!res.destroyed && res.write('x'.repeat(65_536)));
  };
  res.on('drain', more);
  more();
}

test('a redirect is not followed', async () => {
  let visits = 0;
  const elsewhere = createServer((_, res) => {
    visits++;
    res.end(JSON.stringify({ keys: [key.jwk] }));
  });
  const port = await listenOnLoopback(elsewhere);
  issuer.answer = (req, res) => {
    if (req.url === '/jwks') res.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
    return req.url === '/jwks';
  };
  open();
  expect(await asking.outcome(token())).toBe('issuer-unavailable');
  expect(visits).toBe(0);
  await stopListening(elsewhere);
});
