import { describe, expect, test } from 'vitest';
import { identityConfig } from '../../test/support/identifying.ts';
import { checkAudience, checkBinding, checkTimes, readGroups, readSubject } from './claims.ts';
import { compileProfile, type Profile } from './profile.ts';
import { Refusal } from './refusal.ts';

const NOW = 1_800_000_000;

const profileWith = (entry: Readonly<Record<string, unknown>> = {}): Profile => {
  const identity = identityConfig([{ issuer: 'https://idp.example', audience: 'sallyport', ...entry }]);
  const [config] = identity.issuers;
  return compileProfile(config!, identity);
};

const said = (outcome: unknown): unknown => (outcome instanceof Refusal ? outcome.reason : outcome);

const timesOf = (claims: Readonly<Record<string, unknown>>, entry: Readonly<Record<string, unknown>> = {}): unknown =>
  said(checkTimes(claims, profileWith(entry), NOW * 1000));

const audienceOf = (
  claims: Readonly<Record<string, unknown>>,
  entry: Readonly<Record<string, unknown>> = {},
): unknown => said(checkAudience(claims, profileWith(entry)));

describe('times', () => {
  test('a token is good from iat and nbf until exp', () => {
    expect(timesOf({ iat: NOW, nbf: NOW, exp: NOW + 600 })).toBeNull();
    expect(timesOf({ exp: NOW + 600 })).toBeNull();
  });

  test.each([
    ['exp is missing', {}],
    ['exp is null', { exp: null }],
    ['exp is a string', { exp: String(NOW + 600) }],
    ['exp is 1e999', { exp: Number.POSITIVE_INFINITY }],
    ['exp is no whole number', { exp: NOW + 600.5 }],
    ['exp is beyond what numbers hold', { exp: 2 ** 53 }],
    ['iat is a string', { iat: String(NOW), exp: NOW + 600 }],
    ['iat is null', { iat: null, exp: NOW + 600 }],
    ['nbf is an object', { nbf: {}, exp: NOW + 600 }],
    ['iat is in the future', { iat: NOW + 31, exp: NOW + 600 }],
    ['nbf is in the future', { nbf: NOW + 31, exp: NOW + 600 }],
    ['exp is not after iat', { iat: NOW + 20, exp: NOW + 20 }],
    ['the lifetime is longer than the issuer may give', { iat: NOW, exp: NOW + 86_401 }],
    ['the lifetime is longer, reckoned from now for want of iat', { exp: NOW + 86_401 }],
  ])('refuses when %s', (_, claims) => {
    expect(timesOf(claims)).toBe('token-time');
  });

  test('the skew is tolerated on both sides, and not a second more', () => {
    expect(timesOf({ iat: NOW + 30, exp: NOW + 600 })).toBeNull();
    expect(timesOf({ nbf: NOW + 30, exp: NOW + 600 })).toBeNull();
    expect(timesOf({ iat: NOW - 600, exp: NOW - 29 })).toBeNull();
    expect(timesOf({ iat: NOW - 600, exp: NOW - 30 })).toBe('token-expired');
  });

  test('a token in its last second is good and one past it has expired', () => {
    const strict = { ...profileWith(), skew: 0 };
    expect(checkTimes({ iat: NOW - 1, exp: NOW + 1 }, strict, NOW * 1000 + 999)).toBeNull();
    expect(said(checkTimes({ iat: NOW - 1, exp: NOW + 1 }, strict, NOW * 1000 + 1000))).toBe('token-expired');
  });

  test('an ID token has iat', () => {
    expect(timesOf({ exp: NOW + 600 }, { accepts: 'id_token' })).toBe('token-time');
  });
});

describe('audience', () => {
  test('a string or a list that contains us', () => {
    expect(audienceOf({ aud: 'sallyport' })).toBeNull();
    expect(audienceOf({ aud: ['a', 'sallyport'] })).toBeNull();
    expect(audienceOf({ aud: 'b' }, { audience: ['a', 'b'] })).toBeNull();
  });

  test.each([
    [undefined],
    [null],
    [''],
    [[]],
    ['sallyport '],
    ['Sallyport'],
    ['sallyport-admin'],
    [{ sallyport: true }],
    [['sallyport', 1]],
    [[['sallyport']]],
  ])('refuses %j', (aud) => {
    expect(audienceOf({ aud })).toBe('token-audience');
  });

  test('a configured client must be the one that azp or client_id names, and they must not differ', () => {
    const ours = { client_id: 'cli' };
    expect(audienceOf({ aud: 'sallyport', azp: 'cli' }, ours)).toBeNull();
    expect(audienceOf({ aud: 'sallyport', client_id: 'cli' }, ours)).toBeNull();
    expect(audienceOf({ aud: 'sallyport', client_id: 'other' }, ours)).toBe('token-audience');
    expect(audienceOf({ aud: 'sallyport', client_id: 'cli', azp: 'other' }, ours)).toBe('token-audience');
    expect(audienceOf({ aud: 'sallyport', azp: ['cli'] }, ours)).toBe('token-audience');
    expect(audienceOf({ aud: 'sallyport' }, ours)).toBe('token-audience');
  });

  test('an ID token that others may read too was made for us', () => {
    const people = { accepts: 'id_token' };
    expect(audienceOf({ aud: 'sallyport' }, people)).toBeNull();
    expect(audienceOf({ aud: ['sallyport', 'x'], azp: 'sallyport' }, people)).toBeNull();
    expect(audienceOf({ aud: ['sallyport', 'x'] }, people)).toBe('token-audience');
    expect(audienceOf({ aud: 'sallyport', azp: 'x' }, people)).toBe('token-audience');
  });
});

describe('subject', () => {
  test.each(['alice', 'system:serviceaccount:ns:name', 'spiffe://example.org/a', 'a@b@c', 'Zoë'])('%s', (sub) => {
    expect(readSubject({ sub })).toBe(sub);
  });

  test.each([
    [undefined],
    [null],
    [''],
    ['  '],
    [42],
    [{ id: 'alice' }],
    [['alice']],
    ['a\nb'],
    ['a\u0000'],
    ['a'.repeat(2049)],
  ])('refuses %j', (sub) => {
    expect(said(readSubject({ sub }))).toBe('token-subject');
  });
});

describe('binding', () => {
  test.each([[{ jkt: 'x' }], [{ 'x5t#S256': 'x' }], [{}], [null]])(
    'a token with cnf %j is never taken as a bearer token',
    (cnf) => {
      expect(said(checkBinding({ cnf }))).toBe('token-binding');
    },
  );

  test('a token without cnf is a bearer token', () => {
    expect(checkBinding({})).toBeNull();
  });
});

describe('groups', () => {
  test('are the list in the configured claim; a token without it has none', () => {
    expect(readGroups({ groups: ['ml', 'eng'] }, 'groups')).toEqual(['ml', 'eng']);
    expect(readGroups({ 'https://x.example/roles': ['a'] }, 'https://x.example/roles')).toEqual(['a']);
    expect(readGroups({}, 'groups')).toEqual([]);
    expect(readGroups({}, 'constructor')).toEqual([]);
  });

  test.each([
    ['_claim_names points to them', { _claim_names: { groups: 'src1' }, _claim_sources: {} }],
    ['_claim_names points to them and some are listed', { groups: ['ml'], _claim_names: { groups: 'src1' } }],
    ['_claim_names has an unknown shape', { groups: ['ml'], _claim_names: ['groups'] }],
    ['hasgroups says that there are some', { hasgroups: true }],
    ['hasgroups is a string', { hasgroups: 'true' }],
  ])('refuses when %s', (_, claims) => {
    expect(said(readGroups(claims, 'groups'))).toBe('groups-unknown');
  });

  test('a pointer to something else is no reason to refuse', () => {
    expect(readGroups({ groups: ['ml'], _claim_names: { photo: 'src1' } }, 'groups')).toEqual(['ml']);
    expect(readGroups({ roles: ['ml'], hasgroups: true }, 'roles')).toEqual(['ml']);
    expect(readGroups({ hasgroups: false }, 'groups')).toEqual([]);
  });

  test.each([['ml'], ['ml eng'], [null], [7], [{ ml: true }], [['ml', 7]], [['ml', null]], [['ml', '']], [[['ml']]]])(
    'refuses %j',
    (groups) => {
      expect(said(readGroups({ groups }, 'groups'))).toBe('token-malformed');
    },
  );
});
