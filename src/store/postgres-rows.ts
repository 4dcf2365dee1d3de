/**
 * Rows that gateways on one PostgreSQL leave for one another. An exchange is two statements, however many calls there
 * were: one that writes what changed and says that this gateway lives, and one that reads what others changed.
 *
 * Every gateway numbers its exchanges, and a row has the number of the exchange that wrote it. Others remember how far
 * they have read of each gateway, so nothing depends on whose transaction ends first; and an exchange that was given up
 * and arrives late changes nothing that a later one has written.
 */

import { randomUUID } from 'node:crypto';
import { StoreClock } from './store-clock.ts';
import {
  type Connection,
  connectPostgres,
  hangUp,
  hasTables,
  openConnection,
  type PostgresOptions,
} from './postgres.ts';
import { keptKey, provenKey, sharedKey } from './postgres-key.ts';
import { packRows, type Placed, START, unpackRows } from './postgres-packing.ts';
import {
  HEAR,
  MOST_GATEWAYS,
  PAGE,
  type SaidRow,
  SAY,
  STEPS,
  SWEEP_GATEWAYS,
  SWEEP_ROWS,
} from './postgres-statements.ts';
import type { Heard, Saying, SharedRow, SharedRows } from './shared-rows.ts';

/** How often rows that no longer count are deleted. Milliseconds. */
const SWEEP_MS = 60_000;

/** What another gateway said when it was last heard. */
interface Other {
  readonly living: Buffer;
  readonly rev: number;
}

/** Rows in PostgreSQL, with the key under which all gateways on it name them. */
export interface PostgresRows extends SharedRows {
  /** 32 bytes: made of random ones that the first gateway left in the database, and of the operator's key. */
  readonly key: Uint8Array;
}

/**
 * Resolves to the rows of a database that was reached. `secret` is what the database is not told, the same for all
 * gateways; null for nothing. Rejects when the database cannot be reached, or other gateways on it have another secret.
 */
export async function openPostgresRows(options: PostgresOptions, secret: string | null): Promise<PostgresRows> {
  const rows = new Rows(options, secret ?? '');
  await rows.connect();
  return rows;
}

/** Resolves when rows could be kept there. Rejects as `openPostgresRows` would; makes nothing. */
export async function tryPostgres(options: PostgresOptions, secret: string | null): Promise<void> {
  const connection = await openConnection(options, () => {});
  try {
    if (!(await hasTables(connection, options.schema, STEPS))) return;
    const kept = await keptKey(connection);
    if (kept !== undefined) provenKey(kept, secret ?? '');
  } finally {
    await hangUp(connection);
  }
}

class Rows implements PostgresRows {
  readonly #options: PostgresOptions;
  readonly #secret: string;
  readonly #id = randomUUID();
  readonly #clock = new StoreClock();
  #connection: Connection | null = null;
  #key: Buffer = Buffer.alloc(0);
  /** Number of the last exchange that was begun, and of the last that went well. */
  #rev = 0;
  #kept = 0;
  /** How far the rows of each gateway were read. */
  readonly #marks = new Map<string, number>();
  readonly #others = new Map<string, Other>();
  #swept = 0;

  constructor(options: PostgresOptions, secret: string) {
    this.#options = options;
    this.#secret = secret;
  }

  get ahead(): number {
    return this.#clock.ahead;
  }

  get key(): Uint8Array {
    return this.#key;
  }

  async connect(): Promise<Connection> {
    if (this.#connection !== null) return this.#connection;
    const connection = await connectPostgres(this.#options, STEPS, () => this.#drop(connection));
    try {
      const key = await sharedKey(connection, this.#secret);
      if (this.#key.length > 0 && !this.#key.equals(key))
        throw new Error('the database has another key than at the start of this gateway: restart it');
      this.#key = key;
      const began = Date.now();
      const { rows } = await connection.query<{ now: number }>(
        'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
      );
      this.#clock.note(began, rows[0]?.now ?? Number.NaN, Date.now());
    } catch (error) {
      await hangUp(connection);
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  async exchange(saying: Saying, take: (rows: readonly SharedRow[]) => void): Promise<Heard> {
    const connection = await this.connect();
    try {
      const before = this.#kept;
      let said = await this.#say(connection, { ...saying, rows: saying.rows.slice(0, PAGE) });
      // an older database than the one that was spoken to: a copy that was behind, or a backup
      const forgot = Number(said[0]?.was ?? 0) < before;
      for (let at = PAGE; at < saying.rows.length; at += PAGE) {
        this.#listen(said);
        said = await this.#say(connection, { ...saying, rows: saying.rows.slice(at, at + PAGE) });
      }
      const living = this.#listen(said);
      await this.#hear(connection, said, saying.now, take);
      await this.#sweep(connection, saying.now);
      return { living, forgot };
    } catch (error) {
      // whatever it was, the next exchange begins with a connection of its own
      this.#drop(connection);
      throw error;
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    if (connection === null) return;
    const leave = "UPDATE gateways SET seen = '-infinity', living = '' WHERE id = $1";
    await connection.query(leave, [this.#id]).catch(() => {});
    await hangUp(connection);
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null;
    void hangUp(connection);
  }

  async #say(connection: Connection, { rows, living }: Saying): Promise<readonly SaidRow[]> {
    const rev = ++this.#rev;
    const others = [...this.#others];
    const began = Date.now();
    const { rows: said } = await connection.query<SaidRow>(SAY, [
      this.#id,
      rev,
      Buffer.from(living),
      ...packRows(rows),
      others.map(([id]) => id),
      others.map(([, other]) => other.rev),
    ]);
    const first = said[0];
    if (first === undefined) throw new Error('expected an answer of the database');
    if (said.length > MOST_GATEWAYS) throw new Error('the database has more gateways than there can be');
    this.#clock.note(began, first.now, Date.now());
    this.#kept = rev;
    return said;
  }

  /** Returns what those say that live. */
  #listen(said: readonly SaidRow[]): readonly Uint8Array[] {
    const living: Uint8Array[] = [];
    const known = new Set<string>();
    for (const { id, alive, living: news, living_rev: rev } of said) {
      if (id === null) continue;
      known.add(id);
      if (news !== null) this.#others.set(id, { living: news, rev: Number(rev) });
      const other = this.#others.get(id);
      if (alive && other !== undefined) living.push(other.living);
    }
    for (const id of this.#others.keys()) if (!known.has(id)) this.#others.delete(id);
    for (const id of this.#marks.keys()) if (!known.has(id)) this.#marks.delete(id);
    return living;
  }

  async #hear(
    connection: Connection,
    said: readonly SaidRow[],
    now: number,
    take: (rows: readonly SharedRow[]) => void,
  ): Promise<void> {
    const news = said.flatMap(({ id, rows_rev: text }) => {
      const rev = Number(text);
      const mark = id === null ? rev : (this.#marks.get(id) ?? 0);
      // rows that were read are gone: whatever there is, is read again
      return id === null || rev === mark ? [] : [{ id, rev, mark: rev < mark ? 0 : mark }];
    });
    if (news.length === 0) return;
    const marks = [news.map(({ id }) => id), news.map(({ mark }) => mark)];
    let rest: readonly Placed[] = [];
    for (let after = START; ; ) {
      const { rows } = await connection.query<{ count: number; packed: Buffer | null }>(HEAR, [
        ...marks,
        this.#id,
        Math.floor(now),
        after.row.name,
        after.row.part,
        after.gateway,
      ]);
      const { count = 0, packed = null } = rows[0] ?? {};
      const page = [...rest, ...(packed === null ? [] : unpackRows(packed))];
      const last = page.at(-1);
      if (count < PAGE || last === undefined) {
        take(page.map(({ row }) => row));
        break;
      }
      // rows of the last name may go on behind the page
      const whole =
        page.findLastIndex(({ row }) => row.part !== last.row.part || Buffer.compare(row.name, last.row.name) !== 0) +
        1;
      take(page.slice(0, whole).map(({ row }) => row));
      rest = page.slice(whole);
      if (rest.length > MOST_GATEWAYS)
        throw new Error('the database has more rows of one name than there can be gateways');
      after = last;
    }
    for (const { id, rev } of news) this.#marks.set(id, rev);
  }

  async #sweep(connection: Connection, now: number): Promise<void> {
    if (now - this.#swept < SWEEP_MS) return;
    const { rowCount } = await connection.query(SWEEP_ROWS, [Math.floor(now)]);
    if (rowCount === PAGE) return;
    await connection.query(SWEEP_GATEWAYS);
    this.#swept = now;
  }
}
