/** identify against a real OpenID provider, over HTTP from end to end. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Asking, identifying, identityConfig } from './support/identifying.ts';
import { type IdentityProvider, startIdentityProvider } from './support/identity-provider.ts';
import { type ManualTime, manualTime } from './support/manual-time.ts';

const MINUTE = 60_000;

const said: string[] = [];
for (const method of ['log', 'info', 'warn', 'error'] as const) {
  vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void said.push(words.join(' ')));
}

let provider: IdentityProvider;
let time: ManualTime;
let asking: Asking;

beforeAll(async () => {
  provider = await startIdentityProvider();
});
afterAll(async () => {
  await provider.stop();
  expect(said).toEqual([]);
});

beforeEach(() => {
  time = manualTime(Date.now());
  asking = identifying(identityConfig([{ issuer: provider.issuer, audience: 'sallyport' }]), time);
});
afterEach(() => asking.identifier.close());

const claims = (): Record<string, unknown> => {
  const now = Math.floor(time.clock.now() / 1000);
  return { iss: provider.issuer, sub: 'alice', aud: 'sallyport', iat: now, exp: now + 600 };
};

const fetches = (): number => provider.asked.filter((path) => path === '/jwks').length;

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) throw new Error('it never came true');
    await sleep(5);
  }
};

describe('promise 1: nobody unidentified', () => {
  test.each([
    ['alice', ['ml']],
    ['bob', ['ml', 'ml-leads']],
    ['carol', ['ml', 'privacy-cleared']],
    ['ci', ['ci']],
  ])('%s is who the provider says', async (name, groups) => {
    const identified = await asking.ask(await provider.token(name));
    expect(identified).toMatchObject({ kind: 'caller', caller: { issuer: provider.issuer, subject: name, groups } });
  });

  test('an ES256 token is as good as an RS256 one', async () => {
    expect(await asking.outcome(await provider.token('alice', { alg: 'ES256' }))).toBe('caller alice');
  });

  test('the provider gives no token to a stranger', async () => {
    await expect(provider.token('mallory')).rejects.toThrow('expected an access token');
    await expect(provider.token('constructor')).rejects.toThrow('expected an access token');
  });

  test('a token for another audience is refused', async () => {
    const token = await provider.token('alice', { audience: 'somebody-else' });
    expect(await asking.outcome(token)).toBe('token-audience');
  });

  test('a token is refused once it has expired, remembered or not', async () => {
    const token = await provider.token('alice', { lifetime: 20 });
    expect(await asking.outcome(token)).toBe('caller alice');
    time.advance(MINUTE);
    expect(await asking.outcome(token)).toBe('token-expired');
  });

  test('the groups that the provider names are those of the caller, and an overage is refused', async () => {
    const named = await asking.ask(await provider.token('alice', { groups: ['a', 'b'] }));
    expect(named).toMatchObject({ caller: { groups: ['a', 'b'] } });
    const overage = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph' } } };
    expect(await asking.outcome(await provider.token('alice', { claims: overage }))).toBe('groups-unknown');
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['token-binding', { cnf: { jkt: 'x' } }, {}],
    ['token-type', {}, { typ: 'logout+jwt' }],
    ['token-time', { exp: undefined }, {}],
    ['token-subject', { sub: '' }, {}],
    ['token-malformed', {}, { crit: ['exp'] }],
    ['token-signature', {}, { alg: 'HS256' }],
    ['token-issuer', { iss: 'https://evil.example' }, {}],
  ])('%s, although the provider itself signed it', async (reason, changes, header) => {
    expect(await asking.outcome(provider.sign(claims()))).toBe('caller alice');
    expect(await asking.outcome(provider.sign({ ...claims(), ...changes }, header))).toBe(reason);
  });
});

describe('rotation and outage', () => {
  test('new keys are found at once, and old tokens stay good while their keys are published', async () => {
    const old = await provider.token('alice');
    expect(await asking.outcome(old)).toBe('caller alice');
    await provider.rotate();
    const before = fetches();
    expect(await asking.outcome(await provider.token('bob'))).toBe('caller bob');
    expect(fetches()).toBe(before + 1);
    expect(await asking.outcome(old)).toBe('caller alice');
    expect(fetches()).toBe(before + 1);
  });

  test('a retired key ends its tokens with the next refresh, remembered or not', async () => {
    const old = await provider.token('alice');
    expect(await asking.outcome(old)).toBe('caller alice');
    await provider.rotate({ retire: true });
    expect(await asking.outcome(await provider.token('bob'))).toBe('caller bob');
    expect(await asking.outcome(old)).toBe('token-signature');
  });

  test('an outage stops nobody whose key is known, for as long as stale_keys says', async () => {
    const lifetime = 23 * 3600;
    const known = await provider.token('alice', { lifetime });
    expect(await asking.outcome(known)).toBe('caller alice');
    const unseen = await provider.token('bob', { lifetime });
    await provider.stop();
    time.advance(20 * 60 * MINUTE);
    await until(() => asking.log.lines.some((line) => line.includes('cannot be fetched')));
    expect(asking.ask(unseen)).toMatchObject({ kind: 'caller', caller: { subject: 'bob' } });
    expect(await asking.outcome(provider.sign(claims()))).toBe('caller alice');
    time.advance(4 * 60 * MINUTE);
    await until(() => !asking.identifier.ready());
    expect(await asking.outcome(provider.sign(claims()))).toBe('issuer-unavailable');
    await provider.start();
    time.advance(MINUTE);
    await until(() => asking.identifier.ready());
    expect(await asking.outcome(provider.sign(claims()))).toBe('caller alice');
  });

  test('a flood of invented key ids reaches the provider five times', async () => {
    expect(await asking.outcome(await provider.token('alice'))).toBe('caller alice');
    const before = fetches();
    for (let i = 0; i < 200; i++) await asking.outcome(provider.sign(claims(), { kid: `invented-${i}` }));
    expect(fetches()).toBe(before + 5);
  });
});
