/** One connection to PostgreSQL, with the tables of this program in a schema of their own. */

import pg from 'pg';

/** Where a database is, and how it is spoken to. */
export interface PostgresOptions {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Undefined where the server asks for none. */
  readonly password: string | undefined;
  readonly database: string;
  /** What TLS is spoken with; null for plain text. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
  readonly schema: string;
}

/** An open connection. */
export type Connection = pg.Client;

const CONNECT_MS = 5_000;
/** What takes longer is given up: the next connection may be to a server that answers. */
const STATEMENT_MS = 10_000;

/**
 * Resolves to a connection whose schema has all `steps` (SQL, in order, never changed once released). `lost` hears of its
 * end, once. Rejects when the server cannot be reached, is not who it should be, or its tables are of a newer version.
 */
export async function connectPostgres(
  options: PostgresOptions,
  steps: readonly string[],
  lost: (cause: Error) => void,
): Promise<Connection> {
  const client = await openConnection(options, lost);
  try {
    await migrate(client, options.schema, steps);
    return client;
  } catch (error) {
    await hangUp(client);
    throw error;
  }
}

/** Resolves to a connection that finds the tables of the schema, if there are any. `lost` hears of its end, once. */
export async function openConnection(options: PostgresOptions, lost: (cause: Error) => void): Promise<Connection> {
  const { host, port, user, password, database, tls } = options;
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    // without one, the library would look for others: in the environment, and in files
    password: password ?? '',
    ssl: tls === null ? false : { ...tls, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    application_name: 'sallyport',
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + CONNECT_MS,
    keepAlive: true,
  });
  client.on('error', lost);
  try {
    await client.connect();
    await client.query(`SET search_path TO ${pg.escapeIdentifier(options.schema)}`);
    return client;
  } catch (error) {
    await hangUp(client);
    // a name with several addresses, none of which answered: such an error has no message of its own
    if (error instanceof AggregateError) throw new Error(error.errors.map(String).join('; '), { cause: error });
    throw error;
  }
}

/**
 * Resolves to whether the tables are there. Rejects when they are not and this user may not make them, or are of a newer
 * version.
 */
export async function hasTables(client: Connection, schema: string, steps: readonly string[]): Promise<boolean> {
  const had = await stepsOf(client);
  if (had > steps.length) throw newer(schema, steps.length, had);
  if (had === steps.length) return true;
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT coalesce(has_schema_privilege(to_regnamespace($1)::oid, 'CREATE'),
       has_database_privilege(current_database(), 'CREATE')) AS may`,
    [schema],
  );
  if (rows[0]?.may === true) return false;
  throw new Error(`there are no tables in the schema ${schema} yet, and this user may not make them`);
}

const newer = (schema: string, expected: number, found: number): Error =>
  new Error(`the tables in ${schema} are of a newer version: expected ${expected} steps, found ${found}`);

/** Ends a connection, in order where that is still possible. */
export async function hangUp(client: Connection): Promise<void> {
  await client.end().catch(() => {});
}

/** Any number: gateways that begin at once make the tables one after the other. */
const MAKING = 7_023_188;

/** Makes the tables that are missing. Where none is, the user needs no right to make any. */
async function migrate(client: Connection, schema: string, steps: readonly string[]): Promise<void> {
  if ((await stepsOf(client)) === steps.length) return;
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MAKING]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`);
    await client.query('CREATE TABLE IF NOT EXISTS sallyport_schema (steps integer NOT NULL)');
    const had = await stepsOf(client);
    if (had > steps.length) throw newer(schema, steps.length, had);
    for (const step of steps.slice(had)) await client.query(step);
    await client.query('DELETE FROM sallyport_schema');
    await client.query('INSERT INTO sallyport_schema VALUES ($1)', [steps.length]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function stepsOf(client: Connection): Promise<number> {
  const known = await client.query<{ at: string | null }>("SELECT to_regclass('sallyport_schema') AS at");
  if (known.rows[0]?.at === null) return 0;
  const { rows } = await client.query<{ steps: number }>('SELECT steps FROM sallyport_schema');
  return rows[0]?.steps ?? 0;
}
