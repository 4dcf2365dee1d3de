import { hash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Asking, identifying, identityConfig } from '../../test/support/identifying.ts';
import { type ManualTime, manualTime } from '../../test/support/manual-time.ts';
import { signingKey, signJwt, startTokenIssuer, type TokenIssuer } from '../../test/support/token-issuer.ts';
import type { Identified } from './identify.ts';
import { type Remembered, TokenMemory } from './memory.ts';

const entry = (value: string, changes: Partial<Remembered<string>> = {}): Remembered<string> => ({
  value,
  isCurrent: () => true,
  from: 1000,
  until: 2000,
  ...changes,
});

describe('the memory', () => {
  test('answers from the moment of verification until its end, and not a millisecond longer', () => {
    const memory = new TokenMemory<string>(10);
    const recallAt = (now: number) => {
      memory.remember('d', entry('v'));
      return memory.recall('d', now);
    };
    expect([999, 1000, 1999, 2000].map(recallAt)).toEqual([null, 'v', 'v', null]);
  });

  test('does not answer once something it depended on has changed, and never again for that entry', () => {
    const memory = new TokenMemory<string>(10);
    let current = true;
    memory.remember('d', entry('v', { isCurrent: () => current }));
    expect(memory.recall('d', 1500)).toBe('v');
    current = false;
    expect(memory.recall('d', 1500)).toBeNull();
    current = true;
    expect(memory.recall('d', 1500)).toBeNull();
  });

  test('keeps no entry without time', () => {
    const memory = new TokenMemory<string>(10);
    memory.remember('d', entry('v', { until: 1000 }));
    expect(memory.recall('d', 1000)).toBeNull();
  });

  test('keeps at least the half of its capacity that was used last, and never more than the whole', () => {
    const memory = new TokenMemory<string>(100);
    for (let i = 0; i < 1000; i++) {
      memory.remember(`d${i}`, entry(`v${i}`));
      expect(memory.recall('d0', 1500)).toBe('v0'); // in use all the time
    }
    for (let i = 960; i < 1000; i++) expect(memory.recall(`d${i}`, 1500)).toBe(`v${i}`);
    const kept = Array.from({ length: 1000 }, (_, i) => memory.recall(`d${i}`, 1500)).filter((value) => value !== null);
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(memory.recall('d1', 1500)).toBeNull();
  });
});

describe('a remembered token', () => {
  const key = signingKey('k1');
  let issuer: TokenIssuer;
  let time: ManualTime;
  let asking: Asking;
  let epoch = 0;

  beforeAll(async () => {
    issuer = await startTokenIssuer(key);
  });
  afterAll(() => issuer.stop());
  beforeEach(() => {
    asking?.identifier.close();
    epoch = 0;
    time = manualTime();
    asking = identifying(identityConfig([{ issuer: issuer.url, audience: 'sallyport' }]), time, () => epoch);
    issuer.published = [key.jwk];
  });

  const token = (changes: Readonly<Record<string, unknown>> = {}): string => {
    const now = time.clock.now() / 1000;
    return signJwt(key, { iss: issuer.url, sub: 'alice', aud: 'sallyport', iat: now, exp: now + 600, ...changes });
  };

  test('is answered synchronously, without a signature check', async () => {
    const alice = token();
    const first = await asking.ask(alice);
    const again = asking.ask(alice);
    expect(again).not.toBeInstanceOf(Promise);
    expect(again).toBe(first);
  });

  test('is one of thousands that all hit', async () => {
    const tokens = Array.from({ length: 2000 }, (_, i) => token({ sub: `caller-${i}` }));
    const first: Identified[] = [];
    for (const text of tokens) first.push(await asking.ask(text));
    expect(tokens.map((text) => asking.ask(text)).every((said, i) => said === first[i])).toBe(true);
  });

  // LiteLLM CVE-2026-35030 kept tokens under their first 20 characters
  test('answers for no other token, however long they agree', async () => {
    const alice = token();
    await asking.outcome(alice);
    for (const end of [1, 4, 20, 60]) {
      // A and Q differ in the bits of a last character that count
      const forged = `${alice.slice(0, -end)}${(alice.endsWith('A') ? 'Q' : 'A').repeat(end)}`;
      expect(await asking.outcome(forged)).not.toBe('caller alice');
    }
    expect(await asking.outcome(`${alice}A`)).not.toBe('caller alice');
    expect(await asking.outcome(alice.slice(0, -1))).not.toBe('caller alice');
  });

  test('expires in memory when it expires', async () => {
    const brief = token({ exp: time.clock.now() / 1000 + 10 });
    expect(await asking.outcome(brief)).toBe('caller alice');
    time.advance(9_000);
    expect(await asking.outcome(brief)).toBe('caller alice');
    time.advance(31_001); // past exp and the skew of 30 s
    expect(await asking.outcome(brief)).toBe('token-expired');
  });

  test('is verified anew after 60 seconds', async () => {
    const alice = token();
    await asking.outcome(alice);
    const first = asking.ask(alice);
    time.advance(59_999);
    expect(asking.ask(alice)).toBe(first);
    time.advance(1);
    expect(asking.ask(alice)).not.toBe(first);
    expect(await asking.outcome(alice)).toBe('caller alice');
  });

  test('is verified anew when the wall clock was set back: it may not be valid yet', async () => {
    const alice = token({ nbf: time.clock.now() / 1000 });
    expect(await asking.outcome(alice)).toBe('caller alice');
    time.setWall(time.clock.now() - 120_000);
    expect(await asking.outcome(alice)).toBe('token-time');
  });

  test('is verified anew after the epoch of the caller changed', async () => {
    const alice = token();
    const first = await asking.ask(alice);
    epoch = 1;
    const second = asking.ask(alice);
    expect(second).not.toBe(first);
    expect(second).toEqual(first);
  });

  test('counts as of an epoch that changed while its key was being fetched', async () => {
    const alice = token();
    const waiting = asking.ask(alice);
    epoch = 1;
    const first = await waiting;
    expect(asking.ask(alice)).not.toBe(first);
  });

  test('is refused as soon as its key is no longer published and that is known', async () => {
    const alice = token();
    expect(await asking.outcome(alice)).toBe('caller alice');
    const next = signingKey('k2');
    issuer.published = [next.jwk];
    const now = time.clock.now() / 1000;
    const bob = { iss: issuer.url, sub: 'bob', aud: 'sallyport', iat: now, exp: now + 600 };
    expect(await asking.outcome(signJwt(next, bob))).toBe('caller bob');
    expect(await asking.outcome(alice)).toBe('token-signature');
  });

  test('is no refusal: those are worked out anew each time', async () => {
    const early = token({ nbf: time.clock.now() / 1000 + 31 });
    expect(await asking.outcome(early)).toBe('token-time');
    time.advance(2_000);
    expect(await asking.outcome(early)).toBe('caller alice');
  });

  test('is known by the SHA-256 of all of it', async () => {
    const alice = token();
    const said = await asking.ask(alice);
    expect(said.kind === 'caller' && Buffer.from(said.token).toString('hex')).toBe(hash('sha256', alice, 'hex'));
  });
});
