import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asking, identifying, identityConfig } from '../../test/support/identifying.ts';
import { manualTime } from '../../test/support/manual-time.ts';
import { signingKey, signJwt, signText, startTokenIssuer, type TokenIssuer } from '../../test/support/token-issuer.ts';

const time = manualTime();
const NOW = time.clock.now() / 1000;
const key = signingKey('k1');
const encryption = signingKey('for-encryption');
const twin = signingKey('twin');
const loose = signingKey('loose', 'RS256');
const stranger = signingKey('k1');

let issuer: TokenIssuer;
let other: TokenIssuer;
let asking: Asking;
let claims: Readonly<Record<string, unknown>>;

/** Entries of the config that the tests of one profile use, by the audience that their tokens name. */
const profiles = (url: string) => [{ issuer: url, audience: ['sallyport', 'also-us'] }];

beforeAll(async () => {
  issuer = await startTokenIssuer(key);
  const { alg: _, ...withoutAlg } = loose.jwk;
  issuer.published = [key.jwk, { ...encryption.jwk, use: 'enc' }, twin.jwk, signingKey('twin').jwk, withoutAlg];
  other = await startTokenIssuer(stranger);
  asking = identifying(identityConfig([...profiles(issuer.url), { issuer: other.url, audience: 'sallyport' }]), time);
  claims = { iss: issuer.url, sub: 'alice', aud: 'sallyport', groups: ['ml'], iat: NOW, exp: NOW + 600 };
});

afterAll(async () => {
  asking.identifier.close();
  await Promise.all([issuer.stop(), other.stop()]);
});

const signed = (changes: Readonly<Record<string, unknown>> = {}, header: Readonly<Record<string, unknown>> = {}) =>
  signJwt(key, { ...claims, ...changes }, header);

test('promise 1: nobody unidentified. A verified token is its caller, and every other request is a refusal', async () => {
  const token = signed();
  expect(await asking.ask(token)).toEqual({
    kind: 'caller',
    caller: {
      issuer: issuer.url,
      subject: 'alice',
      kind: 'human',
      groups: ['ml'],
      claims: { ...claims },
      expiresAt: NOW + 600,
    },
    token: expect.any(Uint8Array),
  });

  const [header = '', payload = '', signature = ''] = token.split('.');
  const strangers = [
    '',
    'nonsense',
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')}.${signature}`,
    `${Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url')}.${payload}.`,
    signJwt(stranger, claims),
    signed({ exp: NOW - 3600, iat: NOW - 7200 }),
    signed({ aud: 'somebody-else' }),
    signed({ iss: 'https://evil.example' }),
  ];
  for (const hostile of strangers) expect(await asking.ask(hostile)).toMatchObject({ kind: 'refused' });
  expect(await asking.identifier.identify({ rawHeaders: ['Host', 'h'], query: '' })).toMatchObject({ kind: 'refused' });
});

test('promise 1: a token with any one character changed, added or taken away is refused', async () => {
  const token = signJwt(loose, claims);
  const own = identifying(identityConfig(profiles(issuer.url)), time);
  expect(await own.outcome(token)).toBe('caller alice');
  for (let at = 0; at < token.length; at++) {
    const [before, after] = [token.slice(0, at), token.slice(at + 1)];
    const changed = ['A', 'Q', '_', '.'].filter((char) => char !== token[at]).map((char) => before + char + after);
    for (const forged of [...changed, before + after, `${before}A${token.slice(at)}`]) {
      expect(await own.ask(forged)).toMatchObject({ kind: 'refused' });
    }
  }
  own.identifier.close();
});

test('promise 1: whatever a stranger sends is refused, and never an exception', async () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc.constantFrom('', ...signed().split('.').slice(0, 2)),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  );
  const own = identifying(identityConfig(profiles(issuer.url)), time);
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
      const token = parts.join('.');
      const said = await own.identifier.identify({ rawHeaders: ['x-api-key', token], query: '' });
      expect(said.kind).toBe('refused');
    }),
    { numRuns: 2000 },
  );
  own.identifier.close();
});

/** Returns what an identifier of its own, with these options, says of the token. */
const outcomeWith = async (
  entry: Readonly<Record<string, unknown>>,
  rest: Readonly<Record<string, unknown>>,
  token: string,
): Promise<string> => {
  const other = identifying(identityConfig([{ issuer: issuer.url, audience: 'sallyport', ...entry }], rest), time);
  const outcome = await other.outcome(token);
  other.identifier.close();
  return outcome;
};

describe('every option of the config does what it says', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>, string]>([
    ['audience', { audience: 'b' }, {}, {}, 'token-audience'],
    ['audience, a list', { audience: ['b', 'c'] }, {}, {}, 'token-audience'],
    ['client_id', { client_id: 'cli' }, {}, {}, 'token-audience'],
    ['types', { types: ['JWT'] }, {}, {}, 'token-type'],
    ['accepts', { accepts: 'id_token' }, {}, {}, 'token-type'],
    ['algorithms', { algorithms: ['EdDSA'] }, {}, {}, 'token-signature'],
    ['max_lifetime', { max_lifetime: '599s' }, {}, {}, 'token-time'],
    ['groups', { groups: 'roles' }, {}, { roles: 'ml' }, 'token-malformed'],
    ['jwks_uri', { jwks_uri: 'http://127.0.0.1:1/jwks' }, {}, {}, 'issuer-unavailable'],
    ['clock_skew', {}, { clock_skew: '0s' }, { nbf: NOW + 1 }, 'token-time'],
  ])('%s', async (_, entry, rest, changes, reason) => {
    const token = signed(changes);
    expect(await asking.outcome(token)).toBe('caller alice');
    expect(await outcomeWith(entry, rest, token)).toBe(reason);
  });
});

describe('issuer', () => {
  test('a token of an issuer that is not configured is refused, and nothing is fetched for it', async () => {
    const before = issuer.asked.length;
    expect(await asking.outcome(signed({ iss: `${issuer.url}/` }))).toBe('token-issuer');
    expect(await asking.outcome(signed({ iss: issuer.url.toUpperCase() }))).toBe('token-issuer');
    expect(await asking.outcome(signed({ iss: [issuer.url] }))).toBe('token-issuer');
    expect(await asking.outcome(signed({ iss: undefined }))).toBe('token-issuer');
    expect(issuer.asked).toHaveLength(before);
  });

  test('the keys of one issuer verify nothing of another', async () => {
    expect(await asking.outcome(signJwt(stranger, { ...claims, iss: other.url }))).toBe('caller alice');
    expect(await asking.outcome(signJwt(key, { ...claims, iss: other.url }))).toBe('token-signature');
  });
});

describe('algorithm and key', () => {
  test.each(['none', 'None', 'HS256', 'RS1', 'ES256K', '', 'toString'])('alg %j is refused', async (alg) => {
    expect(await asking.outcome(signed({}, { alg }))).toBe('token-signature');
  });

  test('an algorithm that the profile does not list is refused although the key could do it', async () => {
    const narrow = identifying(
      identityConfig([{ issuer: issuer.url, audience: 'sallyport', algorithms: ['RS256'] }]),
      time,
    );
    expect(await narrow.outcome(signed())).toBe('token-signature');
    expect(await narrow.outcome(signJwt(loose, claims))).toBe('caller alice');
    narrow.identifier.close();
  });

  test('a public key is no secret for an HMAC (algorithm confusion)', async () => {
    const head = Buffer.from('{"alg":"HS256","kid":"loose","typ":"at+jwt"}').toString('base64url');
    const signedPart = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const mac = createHmac('sha256', String(loose.jwk['n'])).update(signedPart).digest('base64url');
    expect(await asking.outcome(`${signedPart}.${mac}`)).toBe('token-signature');
  });

  test('the algorithm is bound to the key: a key for ES256 verifies nothing that says RS256 or ES384', async () => {
    expect(await asking.outcome(signed({}, { alg: 'RS256' }))).toBe('token-signature');
    expect(await asking.outcome(signed({}, { alg: 'ES384' }))).toBe('token-signature');
  });

  test('an RSA key without alg verifies the RSA algorithms of the profile', async () => {
    expect(await asking.outcome(signJwt(loose, claims))).toBe('caller alice');
    expect(await asking.outcome(signJwt({ ...loose, alg: 'PS256' }, claims))).toBe('caller alice');
  });

  test('a key for encryption verifies nothing', async () => {
    expect(await asking.outcome(signJwt(encryption, claims))).toBe('token-signature');
  });

  test('two keys with one id verify nothing: there is no guessing between them', async () => {
    expect(await asking.outcome(signJwt(twin, claims))).toBe('token-signature');
  });

  test('a signature over something else is refused', async () => {
    const [header, payload] = signed().split('.');
    const [, , signature] = signed({ sub: 'bob' }).split('.');
    expect(await asking.outcome(`${header}.${payload}.${signature}`)).toBe('token-signature');
  });
});

describe('payload', () => {
  test.each([
    ['is no JSON', 'nonsense'],
    ['is an array', '[]'],
    ['is empty', ''],
    ['spells half a surrogate pair', '{"sub":"\\ud800"}'],
  ])('a payload that %s is malformed', async (_, payload) => {
    const header = '{"alg":"ES256","kid":"k1","typ":"at+jwt"}';
    expect(await asking.outcome(signText(key, header, payload))).toBe('token-malformed');
  });

  test('a payload that repeats a claim is malformed, even when it is well signed', async () => {
    const text = JSON.stringify(claims).replace('}', ',"sub":"root"}');
    expect(await asking.outcome(signText(key, '{"alg":"ES256","kid":"k1","typ":"at+jwt"}', text))).toBe(
      'token-malformed',
    );
  });

  test('a payload cannot pass for a refusal or for an outcome', async () => {
    expect(await asking.outcome(signed({ kind: 'refused', reason: 'completed', why: '' }))).toBe('caller alice');
    expect(await asking.outcome(signed({ sub: undefined, kind: 'caller', subject: 'root' }))).toBe('token-subject');
  });
});

describe('what a caller is', () => {
  test('its claims are frozen all the way down, because later calls share them', async () => {
    const said = await asking.ask(signed({ nested: { list: [{ a: 1 }] } }));
    if (said.kind !== 'caller') throw new Error(said.reason);
    const nested: unknown = said.caller.claims['nested'];
    expect(Object.isFrozen(said.caller) && Object.isFrozen(said.caller.claims) && Object.isFrozen(nested)).toBe(true);
    expect(() => Object.assign(said.caller.groups, ['admin'])).toThrow(TypeError);
  });

  test('its kind is what the config says of its issuer, never what the token says', async () => {
    const workloads = identifying(
      identityConfig([{ issuer: issuer.url, audience: 'sallyport', kind: 'workload' }]),
      time,
    );
    const said = await workloads.ask(signed({ kind: 'human' }));
    expect(said).toMatchObject({ kind: 'caller', caller: { kind: 'workload' } });
    workloads.identifier.close();
  });

  test('two tokens of one caller are told apart, and one is known again', async () => {
    const [first, again, second] = await Promise.all([
      asking.ask(signed({ jti: 'a' })),
      asking.ask(signed({ jti: 'b' })),
      asking.ask(signed({ jti: 'a' })),
    ]);
    const ids = [first, again, second].map((said) => said.kind === 'caller' && Buffer.from(said.token).toString('hex'));
    expect(new Set(ids).size).toBe(3); // ES256 signatures are random: equal claims, different tokens
    const token = signed();
    expect(await asking.ask(token)).toBe(await asking.ask(token));
  });
});

describe('a refusal', () => {
  test('tells the client what to do, and nobody a value out of the token', async () => {
    const said = await asking.ask(signed({ aud: 'secret-audience', sub: 'secret-subject' }));
    expect(said).toEqual({
      kind: 'refused',
      reason: 'token-audience',
      challenge:
        'Bearer error="invalid_token", error_description="The token was issued for another audience.", ' +
        'resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"',
      why: 'aud does not contain us',
    });
  });

  test('never writes a token, a claim or a key id into the log', async () => {
    await asking.outcome(signed({ sub: 'secret-subject' }, { kid: 'secret-kid' }));
    await asking.outcome(signed({ aud: 'secret-audience' }));
    expect(asking.log.lines.join('\n')).not.toMatch(/secret|eyJ/);
  });
});

test('an issuer is ready to vouch as soon as its keys are at hand, and not before', async () => {
  const fresh = identifying(identityConfig(profiles(issuer.url)), time);
  expect(fresh.identifier.ready()).toBe(false);
  expect(await fresh.outcome(signed())).toBe('caller alice');
  expect(fresh.identifier.ready()).toBe(true);
  fresh.identifier.close();
});

test('a token with an empty kid, another scheme or two values never falls back to an anonymous caller', async () => {
  const { identifier } = asking;
  for (const rawHeaders of [
    [],
    ['Authorization', ''],
    ['Authorization', 'Bearer'],
    ['Authorization', 'Basic dTpw'],
    ['Authorization', `Bearer ${signed()}, Bearer ${signed()}`],
    ['x-api-key', 'undefined'],
    ['x-api-key', 'null'],
  ]) {
    expect(await identifier.identify({ rawHeaders, query: '' })).toMatchObject({ kind: 'refused' });
  }
});

test('no user agent and no path is let in without a token: identify never sees them', async () => {
  const rawHeaders = ['User-Agent', 'GoogleHC/1.0', 'X-Forwarded-User', 'alice', 'X-Forwarded-For', '127.0.0.1'];
  expect(await asking.identifier.identify({ rawHeaders, query: '' })).toMatchObject({ reason: 'no-token' });
});
