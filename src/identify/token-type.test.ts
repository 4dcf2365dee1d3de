import { describe, expect, test } from 'vitest';
import { identityConfig } from '../../test/support/identifying.ts';
import { compileProfile } from './profile.ts';
import { checkType } from './token-type.ts';

const check = (
  typ: string | null,
  claims: Readonly<Record<string, unknown>> = {},
  entry: Readonly<Record<string, unknown>> = {},
): string => {
  const identity = identityConfig([{ issuer: 'https://idp.example', audience: 'sallyport', ...entry }]);
  return checkType(typ, claims, compileProfile(identity.issuers[0]!, identity))?.reason ?? 'accepted';
};

describe('where access tokens are accepted', () => {
  test.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt', 'JWT', 'jwt', null])('typ %s', (typ) => {
    expect(check(typ)).toBe('accepted');
  });

  test.each(['', 'at+jwt ', 'JOSE', 'application/application/jwt', 'id+jwt', 'application/okta-internal-at+jwt'])(
    'typ %j is refused',
    (typ) => {
      expect(check(typ)).toBe('token-type');
    },
  );

  test('a profile that wants at+jwt takes neither JWT nor a missing typ', () => {
    const strict = { types: ['at+jwt'] };
    expect(check('at+jwt', {}, strict)).toBe('accepted');
    expect(check('JWT', {}, strict)).toBe('token-type');
    expect(check(null, {}, strict)).toBe('token-type');
  });

  test('a profile for SPIFFE takes JWT and JOSE', () => {
    expect(check('JOSE', {}, { types: ['JWT', 'JOSE'] })).toBe('accepted');
  });

  test.each(['nonce', 'at_hash', 'c_hash', 's_hash'])('a token with %s is an ID token and is refused', (name) => {
    expect(check('JWT', { [name]: 'x' })).toBe('token-type');
    expect(check(null, { [name]: 'x' })).toBe('token-type');
  });

  test.each(['ID', 'Refresh', 'Offline', 'Logout'])('Keycloak says of a token that it is %s', (typ) => {
    expect(check('JWT', { typ })).toBe('token-type');
  });

  test('Keycloak says of a token that it is a bearer token', () => {
    expect(check('JWT', { typ: 'Bearer' })).toBe('accepted');
  });
});

describe('where ID tokens are accepted', () => {
  const people = { accepts: 'id_token' };

  test('an ID token is, and an access token is not', () => {
    expect(check('JWT', { nonce: 'x', at_hash: 'y' }, people)).toBe('accepted');
    expect(check('at+jwt', {}, people)).toBe('token-type');
  });
});

describe('what is never accepted, whatever the config says', () => {
  const never = ['secevent+jwt', 'logout+jwt', 'dpop+jwt', 'kb+jwt', 'oauth-authz-req+jwt'];

  test.each(never)('%s', (typ) => {
    for (const accepts of ['access_token', 'id_token']) {
      expect(check(typ, {}, { types: never, accepts })).toBe('token-type');
      expect(check(`application/${typ}`, {}, { types: never, accepts })).toBe('token-type');
    }
  });

  test('a security event without a typ of its own, such as an older logout token', () => {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    expect(check('JWT', { events })).toBe('token-type');
    expect(check(null, { events }, { accepts: 'id_token' })).toBe('token-type');
  });
});
