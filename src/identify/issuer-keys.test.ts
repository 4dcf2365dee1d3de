import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Agent } from 'undici';
import { type Asking, identifying, identityConfig, keptLog } from '../../test/support/identifying.ts';
import { type ManualTime, manualTime } from '../../test/support/manual-time.ts';
import {
  type SigningKey,
  signingKey,
  signJwt,
  startTokenIssuer,
  type TokenIssuer,
} from '../../test/support/token-issuer.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { readKeySet } from './key-set.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const key = signingKey('k1');

let issuer: TokenIssuer;
let time: ManualTime;
let asking: Asking;

beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.stop());

beforeEach(() => {
  Object.assign(issuer, { published: [key.jwk], cacheControl: '', discovery: {}, answer: () => false });
  time = manualTime();
});
afterEach(async () => {
  asking?.identifier.close();
  await issuer.stop();
  await issuer.start();
});

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

describe('fetching', () => {
  test('begins at once, and a hundred first calls make one fetch', async () => {
    const before = fetches();
    open();
    const said = await Promise.all(Array.from({ length: 100 }, () => asking.outcome(token())));
    expect(new Set(said)).toEqual(new Set(['caller alice']));
    expect(fetches()).toBe(before + 1);
  });

  test('an identifier that is closed asks nobody any more', async () => {
    open();
    await asking.outcome(token());
    asking.identifier.close();
    const before = issuer.asked.length;
    time.advance(24 * HOUR);
    await asking.outcome(token(signingKey('new')));
    await sleep(20);
    expect(issuer.asked).toHaveLength(before);
    expect(asking.log.lines.join()).not.toContain('cannot be fetched');
  });
});

describe('refreshing', () => {
  test('happens in the background at 50 to 80 % of the time that the issuer allows, never under 5 minutes', async () => {
    for (const [cacheControl, ttl] of [
      ['', 10 * MINUTE],
      ['public, max-age=1200', 20 * MINUTE],
      ['max-age=1', 5 * MINUTE],
      ['no-store', 10 * MINUTE],
      ['max-age=999999', HOUR],
    ] as const) {
      issuer.cacheControl = cacheControl;
      time = manualTime();
      open();
      await until(() => time.due.length === 1);
      expect(time.due[0]).toBeGreaterThanOrEqual(0.5 * ttl);
      expect(time.due[0]).toBeLessThanOrEqual(0.8 * ttl);
      asking.identifier.close();
    }
  });

  test('brings new keys and drops old ones without a call waiting', async () => {
    open();
    await asking.outcome(token());
    const next = signingKey('k2');
    issuer.published = [next.jwk];
    time.advance(8 * MINUTE);
    await until(() => asking.log.lines.filter((line) => line.includes('have changed')).length === 2);
    expect(asking.ask(token(next))).not.toBeInstanceOf(Promise);
    expect(await asking.outcome(token(next))).toBe('caller alice');
    expect(await asking.outcome(token(key))).toBe('token-signature');
  });

  test('an issuer that publishes no keys any more vouches for nobody', async () => {
    open();
    await asking.outcome(token());
    issuer.published = [];
    time.advance(8 * MINUTE);
    await until(() => asking.log.lines.filter((line) => line.includes('have changed')).length === 2);
    expect(await asking.outcome(token())).toBe('token-signature');
  });

  test('a machine that slept asks before it trusts old keys again', async () => {
    open();
    await asking.outcome(token());
    issuer.published = [];
    time.setWall(time.clock.now() + HOUR); // its timers slept too
    expect(await asking.outcome(token())).toBe('token-signature');
  });
});

describe('in an outage', () => {
  test('known keys serve up to stale_keys without any call waiting, and then no longer', async () => {
    open();
    await asking.outcome(token());
    await issuer.stop();
    for (let hour = 0; hour < 23; hour++) {
      time.advance(HOUR);
      await until(() => time.due.length === 1);
      expect(asking.ask(token())).toMatchObject({ kind: 'caller' });
    }
    expect(asking.identifier.ready()).toBe(true);
    time.advance(HOUR);
    await until(() => time.due.length === 1);
    expect(asking.identifier.ready()).toBe(false);
    expect(await asking.outcome(token())).toBe('issuer-unavailable');

    await issuer.start();
    time.advance(MINUTE);
    await until(() => asking.identifier.ready());
    expect(await asking.outcome(token())).toBe('caller alice');
    expect(asking.log.lines.join('\n')).toContain('can be fetched again');
  });

  test('a remembered token is not good for longer than the keys', async () => {
    open();
    await asking.outcome(token());
    await issuer.stop();
    time.advance(24 * HOUR - 10_000);
    await until(() => time.due.length === 1);
    const late = token();
    expect(await asking.outcome(late)).toBe('caller alice');
    time.advance(10_000);
    expect(await asking.outcome(late)).toBe('issuer-unavailable');
  });

  test('setting the wall clock back makes no key younger', async () => {
    open();
    await asking.outcome(token());
    time.setWall(time.clock.now() - 20 * HOUR);
    await issuer.stop();
    time.advance(24 * HOUR);
    expect(asking.identifier.ready()).toBe(false);
  });

  test('keys are good for the time that the issuer gives them and no longer, where stale_keys is zero', async () => {
    asking = identifying(identityConfig([{ issuer: issuer.url, audience: 'sallyport' }], { stale_keys: '0s' }), time);
    await asking.outcome(token());
    await issuer.stop();
    time.advance(9 * MINUTE);
    expect(await asking.outcome(token())).toBe('caller alice');
    time.advance(MINUTE);
    expect(await asking.outcome(token())).toBe('issuer-unavailable');
  });

  test('attempts back off to one a minute, however many calls come', async () => {
    issuer.answer = (_, res) => {
      res.writeHead(503).end();
      return true;
    };
    const before = issuer.asked.length;
    open();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 10; attempt++) {
      await until(() => time.due.length === 1);
      for (let call = 0; call < 20; call++) expect(await asking.outcome(token())).toBe('issuer-unavailable');
      delays.push(time.due[0]!);
      time.advance(time.due[0]!);
    }
    delays.forEach((delay, attempt) => {
      const most = Math.min(MINUTE, 1000 * 2 ** attempt);
      expect(delay).toBeGreaterThanOrEqual(most / 2);
      expect(delay).toBeLessThanOrEqual(most);
    });
    await until(() => time.due.length === 1);
    expect(issuer.asked.length - before).toBe(11);
  });

  test('one issuer that is down does not stop the callers of another', async () => {
    const other = await startTokenIssuer(key);
    await issuer.stop();
    asking = identifying(
      identityConfig([
        { issuer: issuer.url, audience: 'sallyport' },
        { issuer: other.url, audience: 'sallyport' },
      ]),
      time,
    );
    const now = time.clock.now() / 1000;
    const theirs = signJwt(key, { iss: other.url, sub: 'bob', aud: 'sallyport', iat: now, exp: now + 60 });
    expect(await asking.outcome(theirs)).toBe('caller bob');
    expect(await asking.outcome(token())).toBe('issuer-unavailable');
    expect(asking.identifier.ready()).toBe(true);
    await other.stop();
  });
});

test('keys that are closed while a fetch ends set no timer any more', async () => {
  const dispatcher = new Agent();
  let fetched = 0;
  const keys: IssuerKeys = new IssuerKeys({
    fetch: async () => {
      await sleep(0);
      keys.close();
      fetched++;
      return { set: readKeySet({ keys: [key.jwk] }), maxAge: null };
    },
    dispatcher,
    staleFor: HOUR,
    clock: time.clock,
    later: time.later,
    log: keptLog(),
  });
  await keys.find('k1', 'ES256');
  expect(fetched).toBe(1);
  expect(time.due).toEqual([]);
  await dispatcher.close();
});

describe('an unknown key id', () => {
  test('is asked about at once, because issuers rotate', async () => {
    open();
    await asking.outcome(token());
    const next = signingKey('k2');
    issuer.published = [key.jwk, next.jwk];
    expect(await asking.outcome(token(next))).toBe('caller alice');
    expect(await asking.outcome(token(key))).toBe('caller alice');
  });

  test('is asked about once, while the answer is fresh', async () => {
    open();
    await asking.outcome(token());
    const before = fetches();
    for (let i = 0; i < 50; i++) expect(await asking.outcome(token(key, { kid: 'gone' }))).toBe('token-signature');
    expect(fetches()).toBe(before + 1);
    time.advance(31_000);
    await asking.outcome(token(key, { kid: 'gone' }));
    expect(fetches()).toBe(before + 2);
  });

  test('a flood of invented ids costs the issuer five fetches and then one in ten seconds', async () => {
    open();
    await asking.outcome(token());
    const before = fetches();
    const flood = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        expect(await asking.outcome(token(key, { kid: `invented-${serial}` }))).toMatch(
          /^(token-signature|issuer-unavailable)$/,
        );
      }
    };
    await flood(500);
    expect(fetches()).toBe(before + 5);
    time.advance(60_000);
    await flood(500);
    expect(fetches()).toBe(before + 10); // the burst is full again after 50 s, and never more than full
    time.advance(10_000);
    await flood(500);
    expect(fetches()).toBe(before + 11);
  });

  test('a flood of invented ids makes no call with a known key wait', async () => {
    open();
    await asking.outcome(token());
    issuer.answer = () => true; // it no longer answers at all
    const waiting = Array.from({ length: 100 }, (_, i) => asking.outcome(token(key, { kid: `invented-${i}` })));
    expect(asking.ask(token())).toMatchObject({ kind: 'caller' });
    await issuer.stop();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['issuer-unavailable']));
    await issuer.start();
  });

  test('costs an issuer that fails nothing but the attempts that back off', async () => {
    open();
    await asking.outcome(token());
    issuer.answer = (_, res) => {
      res.writeHead(503).end();
      return true;
    };
    const before = issuer.asked.length;
    for (let i = 0; i < 50; i++) {
      expect(await asking.outcome(token(key, { kid: `invented-${serial}` }))).toBe('issuer-unavailable');
    }
    expect(issuer.asked).toHaveLength(before + 1);
  });

  test('is refused as unavailable and not as wrong when the issuer could not be asked', async () => {
    open();
    await asking.outcome(token());
    await issuer.stop();
    expect(await asking.outcome(token(signingKey('k2')))).toBe('issuer-unavailable');
    expect(await asking.outcome(token(signingKey('k2')))).toBe('issuer-unavailable');
    expect(await asking.outcome(token())).toBe('caller alice');
  });
});
