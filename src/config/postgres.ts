/** Reads how the database that gateways share is reached. No message shows a part of the URL that could be a secret. */

import { isLoopback } from '../address.ts';
import type { Config, SecretRef } from '../config.ts';
import { readTls, type TlsMaterial } from './tls-material.ts';

type PostgresConfig = NonNullable<Config['store']['postgres']>;

/** What the config says of the database, its secrets resolved. */
export interface PostgresAccess {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** Null for plain text. */
  readonly tls: TlsMaterial | null;
  readonly schema: string;
  /** What names are made with beside what the database keeps; null for nothing. */
  readonly key: string | null;
}

const PORT = 5432;
const MIN_KEY = 16;
const FORM = 'expected postgres://USER:PASSWORD@HOST:PORT/DATABASE';

/** Returns how the database is reached; `read` resolves a reference. Throws an Error that begins with the place of what is wrong. */
export function readPostgres(config: PostgresConfig, read: (ref: SecretRef) => string): PostgresAccess {
  const server = parseUrl(told('url', () => read(config.url)));
  const { key } = config;
  const secret = key === undefined ? null : told('key', () => read(key));
  if (secret !== null && secret.length < MIN_KEY)
    throw new Error(`store.postgres.key: expected at least ${MIN_KEY} characters`);
  return { ...server, tls: tlsOf(config, server.host, read), schema: config.schema, key: secret };
}

function tlsOf({ tls }: PostgresConfig, host: string, read: (ref: SecretRef) => string): TlsMaterial | null {
  if (tls === 'off') return null;
  const isHere = host.startsWith('/') || host === '::1' || isLoopback(host);
  if (tls === undefined) return isHere ? null : {};
  const at = 'store.postgres.tls';
  return readTls(
    {
      ca: { at: `${at}.ca`, ref: tls.ca },
      cert: { at: `${at}.cert`, ref: tls.cert },
      key: { at: `${at}.key`, ref: tls.key },
    },
    read,
  );
}

function parseUrl(text: string): Pick<PostgresAccess, 'host' | 'port' | 'user' | 'password' | 'database'> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol)) throw new Error(`store.postgres.url: ${FORM}`);
  const parameters = [...url.searchParams.keys()];
  const other = parameters.find((name) => name !== 'host');
  if (other !== undefined)
    throw new Error(
      `store.postgres.url: expected no parameter but host; of TLS and the schema, store.postgres says what there is`,
    );
  const host = url.searchParams.get('host') ?? url.hostname.replace(/^\[|\]$/g, '');
  const user = plain(url.username);
  const database = plain(url.pathname.slice(1));
  if (host === '' || user === '') throw new Error(`store.postgres.url: ${FORM}`);
  return {
    host,
    port: url.port === '' ? PORT : Number(url.port),
    user,
    password: url.password === '' ? undefined : plain(url.password),
    database: database === '' ? user : database,
  };
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error(`store.postgres.url: ${FORM}, with what is no letter or digit in percent-encoding`);
  }
}

function told<T>(part: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new Error(`store.postgres.${part}: ${cause instanceof Error ? cause.message : 'cannot be read'}`, { cause });
  }
}
