/** Two gateways, each with a folder and keys of its own, on one PostgreSQL: what one lets pass, the other counts too. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chat } from '../support/model-answers.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { type Places, startWorld, usualConfig, type World } from '../support/world.ts';

/** Each limits whoever is in the group of its name. */
const LIMITS = {
  requests: 'per: [caller], requests: 60, within: 1h',
  tokens: 'per: [caller], tokens: 100, within: 1h',
  spend: 'per: [caller], spend: 0.001, within: 1h',
  answers: 'per: [caller, model], answer_tokens: 30, within: 1h',
  bytes: 'per: [caller], answer_bytes: 4000B, within: 1h',
  inputs: 'per: [caller, model], distinct_inputs: 20, within: 1h',
  team: 'per: [group], requests: 12, within: 1h',
  two: 'per: [caller], concurrent: 2',
  short: 'per: [caller], requests: 10, within: 1m',
} as const;

const rules = Object.entries(LIMITS)
  .map(([name, limit]) => `  - { name: at-most-${name}, when: '"${name}" in caller.groups', limit: { ${limit} } }\n`)
  .join('');

const config = (places: Places, more = ''): string =>
  usualConfig(
    places,
    `prices: [{ model: "model-*", input: 10, output: 100 }]\nworkers: 2\nstore: { postgres: { url: { file: database } } }\n${more}`,
  )
    .replace('masking:', `${rules}\nmasking:`)
    .replace('"ml" in caller.groups', '"all" in caller.groups')
    .replace('issuers:', 'clock_skew: 60s\n  issuers:');

let postgres: Postgres;
let a: World;
let b: World;
let places: Places;
const database = (folder: string): void => writeFileSync(join(folder, 'database'), postgres.url, { mode: 0o600 });
/** Starts a gateway that believes the identity provider of the first, and speaks to the same model server. */
const another = (more = ''): Promise<World> => startWorld(() => config(places, more), database);

beforeAll(async () => {
  postgres = await startPostgres();
  a = await startWorld((own) => config((places = own)), database);
  b = await another();
}, 180_000);
afterAll(async () => {
  await Promise.all([a?.close(), b?.close()]);
  await postgres?.close();
});
beforeEach(() => a.model.always(() => chat('Hi.')));

let people = 0;
/** Returns the token of somebody new in these groups. */
const somebody = (...groups: readonly string[]): string => {
  const now = Math.floor(Date.now() / 1000);
  return a.idp.sign(
    {
      iss: a.idp.issuer,
      aud: 'sallyport',
      sub: `person-${++people}`,
      iat: now,
      exp: now + 3600,
      groups: ['all', ...groups],
    },
    { typ: 'at+jwt' },
  );
};

let questions = 0;
/** Asks something new. Resolves to the status, and to why not. */
async function call(world: World, token: string) {
  const body = {
    model: 'model-1',
    max_tokens: 5,
    messages: [{ role: 'user', content: `question ${++questions}` }],
  };
  const got = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const reason = /"reason":"([a-z-]+)"/.exec(await got.text())?.[1] ?? '';
  return { status: got.status, reason, retryAfter: Number(got.headers.get('retry-after') ?? 0) };
}

/** Resolves to how many calls pass before one is refused. */
async function useUp(world: World, token: string): Promise<number> {
  for (let passed = 0; passed < 500; passed++) {
    const { status, reason } = await call(world, token);
    if (status === 200) continue;
    expect(status).toBe(429);
    // an answer that would be the one too many is ended
    expect(reason).toMatch(/^(?:rate-limited|budget-exceeded)$/);
    return passed;
  }
  throw new Error('expected a limit');
}

const metric = async (world: World, name: string): Promise<number> => {
  const text = await (await fetch(`${world.control}/metrics`)).text();
  return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
};
const exchanges = (world: World): Promise<number> => metric(world, 'sallyport_limit_exchanges_total');

/** Resolves once a whole exchange of `world` began and ended. */
async function exchanged(world: World): Promise<void> {
  // one may be under way already
  const wanted = (await exchanges(world)) + 2;
  while ((await exchanges(world)) < wanted) await sleep(20);
}

/** Resolves once whatever `from` has counted by now is known to `to`. */
const told = async (from: World, to: World): Promise<void> => {
  await exchanged(from);
  await exchanged(to);
};

const ready = async (world: World) => {
  const got = await fetch(`${world.control}/readyz`);
  return { status: got.status, text: await got.text() };
};

describe('what is used up at one gateway', () => {
  it.each(['requests', 'tokens', 'spend', 'answers', 'bytes', 'inputs', 'team'] as const)(
    'is used up at the other: %s',
    async (kind) => {
      const token = somebody(kind);
      expect(await useUp(a, token)).toBeGreaterThan(2);
      await told(a, b);
      // not one call more
      expect(await useUp(b, token)).toBe(0);
    },
  );

  it('is known there long before a second limit could be used up, by nothing but time', async () => {
    const token = somebody('requests');
    expect(await useUp(a, token)).toBe(60);
    let passed = 0;
    while ((await call(b, token)).status === 200) {
      passed++;
      await sleep(100);
    }
    // without the database, 60 more would have passed
    expect(passed).toBeLessThan(30);
  });

  it('and at the other by halves is the whole, and each gives back what the other knows of', async () => {
    const token = somebody('requests');
    for (let n = 0; n < 20; n++) expect((await call(a, token)).status).toBe(200);
    await told(a, b);
    for (let n = 0; n < 20; n++) expect((await call(b, token)).status).toBe(200);
    await told(b, a);
    expect(await useUp(a, token)).toBe(20);
    await told(a, b);
    expect(await useUp(b, token)).toBe(0);
  });

  it('counts for callers apart, in both', async () => {
    const token = somebody('requests');
    expect(await useUp(a, token)).toBe(60);
    await told(a, b);
    expect((await call(b, somebody('requests'))).status).toBe(200);
  });

  it('outlives both: a gateway that starts later knows it', async () => {
    const token = somebody('requests');
    await useUp(a, token);
    await exchanged(a);
    const late = await another();
    expect(await call(late, token)).toMatchObject({ status: 429 });
    await late.close();
  });
});

describe('calls at once', () => {
  /** Begins two calls that do not end by themselves. */
  const hold = async (world: World, token: string) => {
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    const slow = { ...chat('x'), steps: [{ until }, ...chat('x').steps] };
    const before = a.model.requests.length;
    a.model.next(slow, slow);
    const calls = [call(world, token), call(world, token)].map((each) => each.catch(() => null));
    await a.model.seen(before + 1);
    return { release, calls };
  };

  it('at one gateway have their places at the other, until they end', async () => {
    const token = somebody('two');
    const { release, calls } = await hold(a, token);
    await told(a, b);
    expect(await call(b, token)).toMatchObject({ status: 429, reason: 'rate-limited' });
    release();
    expect((await Promise.all(calls)).map((each) => each?.status)).toEqual([200, 200]);
    await told(a, b);
    expect((await call(b, token)).status).toBe(200);
  });

  it('of a gateway that was killed are free again by themselves, and what it counted stays', async () => {
    const doomed = await another();
    const token = somebody('two', 'requests');
    const { release, calls } = await hold(doomed, token);
    await told(doomed, b);
    expect((await call(b, token)).status).toBe(429);
    await doomed.stopGateway('SIGKILL');
    await Promise.all(calls);
    release();
    while ((await call(b, token)).status === 429) await sleep(100);
    // two by the killed one, one just now
    expect(await useUp(b, token)).toBe(57);
    await doomed.close();
  });
});

it('sallyport check asks the database, and finds it in order', async () => {
  const { stdout } = await a.cli(['--json', 'check', '--online']);
  expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ check: 'database', result: 'ok' }));
});

describe('a gateway whose clock is wrong', () => {
  /** Every thread of it reads another time. */
  const skew = (ms: number) => ({
    env: {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`const now = Date.now; Date.now = () => now() + ${ms};`)}`,
    },
  });

  it.each([
    ['ahead', 50_000],
    ['behind', -50_000],
  ])('neither loses nor stretches a window: %s', async (_how, ms) => {
    await b.stopGateway();
    await b.startGateway(skew(ms));
    expect(Math.abs((await metric(b, 'sallyport_limit_store_ahead_seconds')) + ms / 1000)).toBeLessThan(1);
    const token = somebody('short');
    expect(await useUp(a, token)).toBe(10);
    await told(a, b);
    const refused = await call(b, token);
    expect(refused).toMatchObject({ status: 429 });
    expect(refused.retryAfter).toBeLessThanOrEqual(63);
    expect(refused.retryAfter).toBeGreaterThan(25);

    const other = somebody('short');
    expect(await useUp(b, other)).toBe(10);
    await told(b, a);
    expect(await call(a, other)).toMatchObject({ status: 429 });
    await b.stopGateway();
    await b.startGateway();
  });
});

describe('a PostgreSQL that is gone', () => {
  it('is said so, and each gateway keeps every limit by itself; what was counted meanwhile is told later', async () => {
    const token = somebody('requests');
    for (let n = 0; n < 10; n++) await call(a, token);
    await told(a, b);
    await postgres.stop('SIGQUIT');
    while ((await metric(a, 'sallyport_limit_store_up')) === 1) await sleep(50);
    expect(a.log()).toContain('the store that limits are shared through cannot be reached');
    const { status, text } = await ready(a);
    expect({ status, notes: text.includes('what other gateways count is not known') }).toEqual({
      status: 200,
      notes: true,
    });
    for (let n = 0; n < 10; n++) expect((await call(a, token)).status).toBe(200);
    // ten of a that b was told of, none of the ten since
    expect(await useUp(b, token)).toBe(50);

    await postgres.start();
    while ((await metric(a, 'sallyport_limit_store_up')) !== 1 || (await metric(b, 'sallyport_limit_store_up')) !== 1)
      await sleep(50);
    await told(b, a);
    expect(await useUp(a, token)).toBe(0);
    expect((await ready(a)).text).toBe('{"status":"ready"}');
  });

  it('ends calls that a limit applies to where the operator says so, and no others', async () => {
    const strict = await another('limits: { on_store_lost: refuse }\n');
    const limited = somebody('requests');
    expect((await call(strict, limited)).status).toBe(200);
    await postgres.stop();
    while ((await ready(strict)).status !== 503) await sleep(50);
    expect(await call(strict, limited)).toMatchObject({ status: 503, reason: 'overloaded' });
    expect((await call(strict, somebody())).status).toBe(200);
    await postgres.start();
    while ((await ready(strict)).status !== 200) await sleep(50);
    expect((await call(strict, limited)).status).toBe(200);
    await strict.close();
  });

  it('keeps a gateway from starting, which says what cannot be reached and no secret', async () => {
    await postgres.stop();
    await b.stopGateway();
    const { code, stdout, stderr } = await b.cli(['start']);
    await postgres.start();
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toContain(
      `cannot start: the database 127.0.0.1:${postgres.port}/postgres (store.postgres) cannot be`,
    );
    expect(stderr).not.toContain(new URL(postgres.url).password);
    await b.startGateway();
  });
});

it('what the database holds says nothing of callers, and two gateways have different keys for all else', () => {
  const key = (world: World): string => readFileSync(join(world.folder, 'keys/recording.key'), 'utf8');
  expect(key(a)).not.toBe(key(b));
  expect(postgres.log()).not.toContain('person-');
});
