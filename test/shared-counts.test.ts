/** The exchange of counts over a real PostgreSQL: retries, late arrivals, rows that lie, keys, rights and TLS. */

import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRow, packPlaces } from '../src/limit/count-rows.ts';
import { keysOf } from '../src/limit/count-key.ts';
import { CELLS, CELLS_PER_WINDOW, Counts, countsMemory, OVER } from '../src/limit/counts.ts';
import { DistinctCounts, distinctMemory } from '../src/limit/distinct.ts';
import { Exchange } from '../src/limit/exchange.ts';
import type { PostgresOptions } from '../src/store/postgres.ts';
import { openPostgresRows, tryPostgres } from '../src/store/postgres-rows.ts';
import { PAGE, SAY } from '../src/store/postgres-statements.ts';
import type { SharedRow, SharedRows } from '../src/store/shared-rows.ts';
import { createAuthority } from './support/certificates.ts';
import { type Postgres, startPostgres } from './support/postgres.ts';

const WIDTH = 3_000;
const WINDOW = WIDTH * CELLS_PER_WINDOW;

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 120_000);
afterAll(() => postgres?.close());

const stores: SharedRows[] = [];
const clients: pg.Client[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const client of clients.splice(0)) await client.end();
});

const optionsOf = (url: string, schema: string): PostgresOptions => {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    user: username,
    password,
    database: pathname.slice(1),
    tls: null,
    schema,
  };
};

let schemas = 0;
/** A deployment of its own: gateways on it, and a connection that may do anything to what they share. */
const deployment = () => {
  const schema = `gateways_${++schemas}`;
  const options = optionsOf(postgres.url, schema);
  const gateway = async ({ slots = 1024, secret = null }: { slots?: number; secret?: string | null } = {}) => {
    const store = await openPostgresRows(options, secret);
    stores.push(store);
    const tables = { counts: new Counts(countsMemory(slots)), distinct: new DistinctCounts(distinctMemory(16)) };
    return { ...tables, store, keyOf: keysOf(store.key, 'r', WIDTH), exchange: new Exchange(tables, store) };
  };
  const intruder = async (): Promise<pg.Client> => {
    const client = new pg.Client(postgres.url);
    await client.connect();
    await client.query(`SET search_path TO ${schema}`);
    clients.push(client);
    return client;
  };
  return { options, gateway, intruder };
};
type Gateway = Awaited<ReturnType<ReturnType<typeof deployment>['gateway']>>;

const taken = ({ counts, keyOf }: Gateway, name: string, now: number): number => counts.read(keyOf(name), now).taken;
const nothing = { homeless: 0, unbelieved: 0 };

describe('gateways on one PostgreSQL', () => {
  it('tell one another what they took themselves, and not what they were told', async () => {
    const { gateway } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    one.counts.take(one.keyOf('a'), 3, 100, now);
    for (const { exchange } of [one, other]) await exchange.run(now);
    other.counts.take(other.keyOf('a'), 4, 100, now);
    for (const { exchange } of [other, one, other, one]) await exchange.run(now);
    for (const each of [one, other]) expect(taken(each, 'a', now)).toBe(7);
  });

  it('agree with the sum of all that was taken and given back, whatever happens in what order', async () => {
    const names = ['a', 'b'] as const;
    const steps = fc.array(
      fc.record({
        gateway: fc.nat(2),
        name: fc.constantFrom(...names),
        amount: fc.nat(20),
        back: fc.nat(20),
        wait: fc.nat(WIDTH * 3),
        exchanges: fc.boolean(),
      }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const { gateway } = deployment();
        const all = [await gateway(), await gateway(), await gateway()];
        const entries: { cell: number; name: string; amount: number }[] = [];
        let now = Date.now();
        for (const { gateway: at, name, amount, back, wait, exchanges } of list) {
          now += wait;
          const { counts, keyOf, exchange } = all[at]!;
          const cell = counts.take(keyOf(name), amount, 1e9, now);
          const given = Math.min(back, amount);
          counts.giveBack(keyOf(name), cell, given);
          entries.push({ cell, name, amount: amount - given });
          if (exchanges) expect(await exchange.run(now)).toEqual(nothing);
        }
        for (const { exchange } of [...all, ...all]) await exchange.run(now);
        const oldest = Math.floor(now / WIDTH) - CELLS_PER_WINDOW;
        for (const name of names) {
          const sum = entries.filter((entry) => entry.name === name && entry.cell >= oldest);
          const expected = sum.reduce((total, { amount }) => total + amount, 0);
          for (const each of all) expect(taken(each, name, now)).toBe(expected);
        }
        for (const store of stores.splice(0)) await store.close();
      }),
      { numRuns: 6 },
    );
  }, 120_000);

  it('count once what is said again because the answer was lost', async () => {
    const { gateway } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    let losing = true;
    const exchange = new Exchange(one, {
      ahead: 0,
      async exchange(saying, take) {
        const heard = await one.store.exchange(saying, take);
        if (losing) throw new Error('the connection was lost');
        return heard;
      },
      close: () => one.store.close(),
    });
    one.counts.take(one.keyOf('a'), 3, 100, now);
    await expect(exchange.run(now)).rejects.toThrow('lost');
    await other.exchange.run(now);
    expect(taken(other, 'a', now)).toBe(3);
    one.counts.take(one.keyOf('a'), 4, 100, now);
    await expect(exchange.run(now)).rejects.toThrow('lost');
    losing = false;
    await exchange.run(now);
    await other.exchange.run(now);
    expect(taken(other, 'a', now)).toBe(7);
    await exchange.run(now);
    expect(taken(one, 'a', now)).toBe(7);
  });

  it('lose nothing when the server ends in the middle and comes back', async () => {
    const { gateway } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    one.counts.take(one.keyOf('a'), 3, 100, now);
    await one.exchange.run(now);
    await postgres.stop('SIGQUIT');
    one.counts.take(one.keyOf('a'), 4, 100, now);
    await expect(one.exchange.run(now)).rejects.toThrow();
    await expect(one.exchange.run(now)).rejects.toThrow();
    await postgres.start();
    await one.exchange.run(now);
    await other.exchange.run(now).catch(() => other.exchange.run(now));
    expect(taken(other, 'a', now)).toBe(7);
  });

  it('are not set back by an exchange that was given up and arrives late', async () => {
    const { gateway, intruder } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    one.counts.take(one.keyOf('a'), 3, 100, now);
    await one.exchange.run(now);
    const client = await intruder();
    const { rows } = await client.query('SELECT * FROM rows');
    const [row] = rows;
    one.counts.take(one.keyOf('a'), 4, 100, now);
    await one.exchange.run(now);
    // the first exchange once more, word for word
    await client.query(SAY, [
      row.gateway,
      1,
      Buffer.alloc(0),
      [row.part],
      [0],
      [row.body.length],
      [row.until],
      row.name,
      row.body,
      [],
      [],
    ]);
    await other.exchange.run(now);
    expect(taken(other, 'a', now)).toBe(7);
  });

  it('write everything again where the database is older than what it said before', async () => {
    const { gateway, intruder } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    one.counts.take(one.keyOf('a'), 3, 100, now);
    one.distinct.see(one.keyOf('d'), 1, 2, 100, now);
    await one.exchange.run(now);
    // a backup from before the first exchange
    const client = await intruder();
    await client.query('DELETE FROM rows; DELETE FROM gateways');
    await one.exchange.run(now);
    await one.exchange.run(now);
    await other.exchange.run(now);
    expect(taken(other, 'a', now)).toBe(3);
    expect(other.distinct.read(other.keyOf('d'), now)).toBeCloseTo(1, 1);
  });

  it('read rows page by page, and add up those of one name that stand on two', async () => {
    const { gateway } = deployment();
    const now = Date.now();
    // a page does not end where a name does
    const names = Array.from({ length: 7_000 }, (_, n) => `k${n}`);
    const writers = [
      await gateway({ slots: 65_536 }),
      await gateway({ slots: 65_536 }),
      await gateway({ slots: 65_536 }),
    ];
    expect(PAGE % writers.length).not.toBe(0);
    expect(names.length * writers.length).toBeGreaterThan(PAGE);
    for (const { counts, keyOf, exchange } of writers) {
      for (const name of names) counts.take(keyOf(name), 5, 100, now);
      expect(await exchange.run(now)).toEqual(nothing);
    }
    const reader = await gateway({ slots: 65_536 });
    expect(await reader.exchange.run(now)).toEqual(nothing);
    expect(names.filter((name) => taken(reader, name, now) !== 15)).toEqual([]);
  }, 120_000);

  it('delete what no longer counts, and gateways that left nothing', async () => {
    const { gateway, intruder } = deployment();
    const [gone, here] = [await gateway(), await gateway()];
    const now = Date.now();
    gone.counts.take(gone.keyOf('a'), 3, 100, now);
    await gone.exchange.run(now);
    await gone.store.close();
    await here.exchange.run(now);
    const client = await intruder();
    const count = async (table: string): Promise<number> =>
      Number((await client.query(`SELECT count(*) FROM ${table}`)).rows[0].count);
    expect(await count('rows')).toBe(1);
    await here.exchange.run(now + 2 * WINDOW);
    expect(await count('rows')).toBe(0);
    expect(await count('gateways')).toBe(1);
  });
});

describe('calls at once', () => {
  it('have their places everywhere, and no more once they ended', async () => {
    const { gateway } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    one.counts.takePlace(one.keyOf('a'), 3, now);
    one.counts.takePlace(one.keyOf('a'), 3, now);
    for (const { exchange } of [one, other]) await exchange.run(now);
    expect(other.counts.takePlace(other.keyOf('a'), 3, now)).toBe(0);
    expect(other.counts.takePlace(other.keyOf('a'), 3, now)).toBe(OVER);
    await other.exchange.run(now);
    await one.exchange.run(now);
    expect(one.counts.takePlace(one.keyOf('a'), 3, now)).toBe(OVER);
    one.counts.givePlace(one.keyOf('a'));
    one.counts.givePlace(one.keyOf('a'));
    for (const { exchange } of [one, other]) await exchange.run(now);
    expect(other.counts.read(other.keyOf('a'), now).places).toBe(1);
  });

  it('of a gateway that was not seen for five seconds of the database are free, and come back with it', async () => {
    const { gateway, intruder } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    one.counts.takePlace(one.keyOf('a'), 1, now);
    for (const { exchange } of [one, other]) await exchange.run(now);
    expect(other.counts.takePlace(other.keyOf('a'), 1, now)).toBe(OVER);
    const client = await intruder();
    await client.query("UPDATE gateways SET seen = seen - interval '6 s'");
    await other.exchange.run(now);
    expect(other.counts.read(other.keyOf('a'), now).places).toBe(0);
    await one.exchange.run(now);
    await other.exchange.run(now);
    expect(other.counts.read(other.keyOf('a'), now).places).toBe(1);
    await one.store.close();
    await other.exchange.run(now);
    expect(other.counts.read(other.keyOf('a'), now).places).toBe(0);
  });
});

describe('somebody who writes to the database', () => {
  /** Puts a row where other gateways read it, past every check of the tables. */
  const plant = async (client: pg.Client, row: SharedRow): Promise<void> => {
    const id = randomUUID();
    await client.query(
      'ALTER TABLE rows DROP CONSTRAINT IF EXISTS rows_name_check, DROP CONSTRAINT IF EXISTS rows_body_check',
    );
    await client.query("INSERT INTO gateways VALUES ($1, 1, 1, clock_timestamp(), '', 1)", [id]);
    await client.query('INSERT INTO rows VALUES ($1, $2, $3, $4, $5, 1)', [
      Buffer.from(row.name),
      row.part,
      id,
      Buffer.from(row.body),
      Math.ceil(row.until),
    ]);
  };
  const rowOf = (
    { keyOf }: Gateway,
    name: string,
    head: number,
    amounts: Readonly<Record<number, number>>,
    width = WIDTH,
  ) => {
    const cells = new Float64Array(CELLS);
    for (const [at, amount] of Object.entries(amounts)) cells[Number(at)] = amount;
    return countRow({ words: keyOf(name).words, width, head, cells });
  };

  it('cannot take away what somebody else has counted, or end a window early', async () => {
    const { gateway, intruder } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    const head = Math.floor(now / WIDTH);
    const client = await intruder();
    one.counts.take(one.keyOf('a'), 10, 10, now);
    await plant(client, rowOf(one, 'a', head, { 20: -10 }));
    await plant(client, rowOf(one, 'a', head, { 19: Number.NaN, 20: -Infinity }));
    // of the same name with another width: were it the same count, it would be over in a second
    await plant(client, rowOf(one, 'a', Math.floor(now / 50), { 20: 1 }, 50));
    await plant(client, rowOf(one, 'a', head + 100_000, { 20: 1 }));
    await one.exchange.run(now);
    const { unbelieved } = await other.exchange.run(now);
    expect(unbelieved).toBe(3);
    for (const each of [one, other]) {
      await each.exchange.run(now + 1);
      expect(taken(each, 'a', now + 1)).toBe(10);
      expect(each.counts.take(each.keyOf('a'), 1, 10, now + WINDOW - WIDTH)).toBe(OVER);
    }
  });

  it('cannot make a sum that is no longer exact, or breaks', async () => {
    const { gateway, intruder } = deployment();
    const one = await gateway();
    const now = Date.now();
    const client = await intruder();
    const most = Object.fromEntries(Array.from({ length: CELLS }, (_, at) => [at, Number.MAX_SAFE_INTEGER]));
    for (let n = 0; n < 3; n++) await plant(client, rowOf(one, 'a', Math.floor(now / WIDTH), most));
    one.counts.take(one.keyOf('a'), 7, 10, now);
    expect(await one.exchange.run(now)).toEqual(nothing);
    expect(taken(one, 'a', now)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    // and what was taken here still goes out as it is
    one.counts.charge(one.keyOf('a'), 2, now);
    await one.exchange.run(now);
    await client.query('DELETE FROM rows WHERE gateway IN (SELECT id FROM gateways WHERE rev = 1)');
    const other = await gateway();
    await other.exchange.run(now);
    expect(taken(other, 'a', now)).toBe(9);
  });

  it('cannot break anybody with names, bodies and lives that are huge or of nothing', async () => {
    const { gateway, intruder } = deployment();
    const [one, other] = [await gateway(), await gateway()];
    const now = Date.now();
    const client = await intruder();
    const until = now + WINDOW;
    const sizes = [0, 1, 15, 17, 3_000];
    for (const size of sizes) {
      // no index takes longer names
      await plant(client, { name: randomBytes(Math.min(size, 2_000)), part: -1, body: randomBytes(184), until });
      await plant(client, { name: randomBytes(16), part: size, body: randomBytes(size), until });
    }
    await client.query('ALTER TABLE rows ALTER COLUMN body SET STORAGE EXTENDED');
    await plant(client, { name: randomBytes(16), part: -1, body: new Uint8Array(40_000_000), until });
    const lives = [
      randomBytes(27),
      packPlaces([{ words: Int32Array.of(1, 2, 3, 4), width: 0, taken: 9 }]),
      Buffer.alloc(20_000_000),
    ];
    for (const living of lives)
      await client.query('INSERT INTO gateways VALUES ($1, 1, 1, clock_timestamp(), $2, 1)', [randomUUID(), living]);
    one.counts.take(one.keyOf('a'), 3, 10, now);
    await one.exchange.run(now);
    const { unbelieved } = await other.exchange.run(now);
    expect(unbelieved).toBeGreaterThan(0);
    expect(taken(other, 'a', now)).toBe(3);
  });
});

describe('somebody who fills the database', () => {
  const MOST = 50_000;

  it('with rows of one name ends exchanges and not gateways, which go on once they are gone', async () => {
    const { gateway, intruder } = deployment();
    const one = await gateway();
    const now = Date.now();
    const client = await intruder();
    const id = randomUUID();
    await client.query("INSERT INTO gateways VALUES ($1, 1, 1, clock_timestamp(), '', 1)", [id]);
    await client.query(
      `INSERT INTO rows SELECT decode(repeat('ab', 16), 'hex'), -1, CASE n WHEN 1 THEN $1::uuid ELSE gen_random_uuid() END, '\\x00', $2, 1
       FROM generate_series(1, $3::int) AS n`,
      [id, now + WINDOW, MOST + 2 * PAGE],
    );
    await expect(one.exchange.run(now)).rejects.toThrow('more rows of one name than there can be gateways');
    await client.query('DELETE FROM rows');
    expect(await one.exchange.run(now)).toEqual(nothing);
  }, 60_000);

  it('with gateways ends exchanges and not gateways, which go on once they are gone', async () => {
    const { gateway, intruder } = deployment();
    const one = await gateway();
    const now = Date.now();
    const client = await intruder();
    await client.query(
      `INSERT INTO gateways SELECT gen_random_uuid(), 1, 0, clock_timestamp(), '', 1 FROM generate_series(1, $1::int)`,
      [MOST + 1],
    );
    await expect(one.exchange.run(now)).rejects.toThrow('more gateways than there can be');
    await client.query('DELETE FROM gateways');
    expect(await one.exchange.run(now)).toEqual(nothing);
  }, 60_000);
});

describe('the key of names', () => {
  it('is the same for all gateways of a schema, begun at once, and another in another', async () => {
    const { gateway } = deployment();
    const all = await Promise.all([gateway(), gateway(), gateway(), gateway()]);
    const keys = all.map(({ store }) => Buffer.from(store.key).toString('hex'));
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toHaveLength(64);
    const another = await deployment().gateway();
    expect(keys).not.toContain(Buffer.from(another.store.key).toString('hex'));
  });

  it('needs the secret of the operator where there is one: a gateway with another does not start', async () => {
    const { gateway, options, intruder } = deployment();
    const { store } = await gateway({ secret: 'correct horse battery' });
    await expect(gateway()).rejects.toThrow('expected the store.postgres.key of the other gateways');
    await expect(tryPostgres(options, 'another horse battery')).rejects.toThrow('store.postgres.key');
    await tryPostgres(options, 'correct horse battery');
    expect((await gateway({ secret: 'correct horse battery' })).store.key).toEqual(store.key);
    const { rows } = await (await intruder()).query<{ key: Buffer }>('SELECT key FROM secret');
    expect(rows[0]?.key.equals(store.key)).toBe(false);
  });
});

describe('a connection', () => {
  it('by a user who may not make tables says so, and works once they are there', async () => {
    const { options, gateway, intruder } = deployment();
    const client = await intruder();
    const role = `clerk_${schemas}`;
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'clerk'`);
    const clerk = { ...options, user: role, password: 'clerk' };
    await expect(openPostgresRows(clerk, null)).rejects.toThrow('permission denied');
    await expect(tryPostgres(clerk, null)).rejects.toThrow('this user may not make them');
    await tryPostgres(options, null);
    await gateway();
    await client.query(`GRANT USAGE ON SCHEMA ${options.schema} TO ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${options.schema} TO ${role}`);
    await tryPostgres(clerk, null);
    const store = await openPostgresRows(clerk, null);
    await store.exchange({ rows: [], living: new Uint8Array(), now: Date.now() }, () => {});
    await store.close();
  });

  it('to tables of a newer version is refused', async () => {
    const { options, gateway, intruder } = deployment();
    await gateway();
    await (await intruder()).query('UPDATE sallyport_schema SET steps = 99');
    await expect(openPostgresRows(options, null)).rejects.toThrow('newer version: expected 1 steps, found 99');
  });

  it('with a wrong password is refused, and the message has neither', async () => {
    const { options } = deployment();
    const wrong = openPostgresRows({ ...options, password: 'wrong-77ac' }, null);
    await expect(wrong).rejects.toThrow('password authentication failed');
    await expect(wrong).rejects.not.toThrow(/wrong-77ac/);
  });

  it('speaks TLS with who the right authority vouches for, by name and by address, and with nobody else', async () => {
    const [authority, stranger] = [createAuthority(), createAuthority()];
    const server = await startPostgres(authority.issue('localhost'));
    try {
      const options = optionsOf(server.url, 'sallyport');
      const trying = (change: Partial<PostgresOptions>) => tryPostgres({ ...options, ...change }, null);
      await trying({ tls: { ca: authority.cert } });
      await trying({ tls: { ca: authority.cert }, host: 'localhost' });
      await expect(trying({ tls: {} })).rejects.toThrow(/certificate/);
      await expect(trying({ tls: { ca: stranger.cert } })).rejects.toThrow(/certificate/);
      await expect(trying({ tls: null })).rejects.toThrow(/no encryption/);
      await server.stop();
    } finally {
      await server.close();
    }
    const misnamed = await startPostgres(authority.issue('db.example.com'));
    try {
      const tls = { ca: authority.cert };
      await expect(tryPostgres({ ...optionsOf(misnamed.url, 's'), host: 'localhost', tls }, null)).rejects.toThrow(
        /does not match certificate/,
      );
    } finally {
      await misnamed.close();
    }
  }, 180_000);
});
