/** One service's way to its model server: a pool of connections to one fixed origin, and the credential it presents. */

import { BlockList, isIP, type LookupFunction } from 'node:net';
import { lookup } from 'node:dns';
import { buildConnector, Pool } from 'undici';
import { splitUpstream, type UpstreamAddress } from '../address.ts';
import type { ServiceConfig } from '../config.ts';
import { passOverContinues } from './http/continue-heads.ts';
import type { UpstreamFields } from './http/fields.ts';
import type { Http2Way } from './http/forward-http2.ts';
import type { AwsKeys, Sign } from './sigv4.ts';
import { Http2Sessions } from './http/upstream-http2.ts';
import type { UpstreamTls } from './upstream-tls.ts';
import { type OpenUpstreamSocket, upstreamSockets } from './websocket/upstream.ts';

/** How requests are signed. */
export interface Signing {
  readonly keys: AwsKeys;
  readonly sign: Sign;
}

/** A connected upstream. */
export interface Upstream {
  /** HTTP/1.1 connections; idle where the upstream is spoken to in HTTP/2. */
  readonly pool: Pool;
  /** Null where the upstream is spoken to in HTTP/1.1. */
  readonly http2: Http2Way | null;
  /** Always HTTP/1.1 (RFC 8441 is not spoken). */
  readonly openSocket: OpenUpstreamSocket;
  /** Mount path of the model server without a trailing slash; empty for none. */
  readonly mount: string;
  readonly fields: UpstreamFields;
  /** The secret part of the credential, to be kept out of answers; empty for none. */
  readonly secret: string;
  /** What signs each request, with the keys that it signs with; null where a credential stands in a field line. */
  readonly signing: Signing | null;
  readonly tls: UpstreamTls;
  /** Resolves when no connection is left. */
  close(): Promise<void>;
}

// Addresses where clouds hand credentials to whoever asks; no model server lives there.
const METADATA = new BlockList();
METADATA.addSubnet('169.254.0.0', 16, 'ipv4');
METADATA.addAddress('100.100.100.200', 'ipv4');
METADATA.addAddress('192.0.0.192', 'ipv4');
METADATA.addAddress('fd00:ec2::254', 'ipv6');
METADATA.addSubnet('fe80::', 10, 'ipv6');

/** Returns true for an IP address where cloud metadata services or link-local hosts live. */
export function isMetadataAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return METADATA.check(mapped, 'ipv4');
  return METADATA.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Returns where a URL of the config leads. Throws for a place where credentials are handed out. */
export function upstreamAddress(url: string, key: string): UpstreamAddress {
  const address = splitUpstream(url);
  if (address === null) throw new Error(`${key}: expected http, https or unix`);
  if (isMetadataAddress(address.hostname))
    throw new Error(`${key}: ${address.hostname} is a metadata or link-local address`);
  return address;
}

/** What an upstream is reached with, beside its config. */
export interface UpstreamKeys {
  /** The resolved credential; empty when none is presented. */
  readonly secret: string;
  readonly signing: Signing | null;
  readonly tls: UpstreamTls;
}

/** Returns the upstream of a service. Throws on a metadata address. */
export function openUpstream(
  config: ServiceConfig,
  callerCredentials: ReadonlySet<string>,
  { secret, signing, tls }: UpstreamKeys = { secret: '', signing: null, tls: {} },
): Upstream {
  const address = upstreamAddress(config.upstream.url, `services.${config.name}.upstream.url`);
  const pool = new Pool(address.origin, {
    connections: config.upstream.connections,
    pipelining: 1,
    // servers such as uvicorn close idle connections after 5 s: leave before they do, so that no POST meets a closing one
    keepAliveTimeout: 3_000,
    keepAliveTimeoutThreshold: 1_500,
    headersTimeout: config.upstream.answer_timeout,
    bodyTimeout: config.upstream.idle_timeout,
    maxHeaderSize: 64 * 1024,
    connect: http1Connector(config, address, tls),
  });
  const http2 = config.upstream.http === 2 ? http2Way(config, address, tls) : null;
  return {
    pool,
    http2,
    openSocket: upstreamSockets(address, lookupOutsideMetadata, tls),
    mount: address.mount,
    fields: { host: address.host, credential: credentialLine(config, secret), callerCredentials },
    secret,
    signing,
    tls,
    close: async () => {
      await Promise.all([pool.close(), http2?.sessions.close()]);
    },
  };
}

function http1Connector(
  { upstream }: ServiceConfig,
  { socketPath }: UpstreamAddress,
  tls: UpstreamTls,
): buildConnector.connector {
  const connect = buildConnector({
    ...tls,
    // undici's default is to speak HTTP/2 where the server would rather; what is spoken is what the config says
    allowH2: false,
    timeout: upstream.connect_timeout,
    lookup: lookupOutsideMetadata,
    ...(socketPath === null ? {} : { socketPath }),
  });
  return (options, done) =>
    // undici would ask for the name in the Host field
    connect({ ...options, ...(tls.servername === undefined ? {} : { servername: tls.servername }) }, (...result) => {
      const [error, socket] = result;
      // undici's types promise a null that is not always there
      if (error === null && socket !== null) passOverContinues(socket);
      done(...result);
    });
}

const http2Way = ({ upstream }: ServiceConfig, address: UpstreamAddress, tls: UpstreamTls): Http2Way => ({
  sessions: new Http2Sessions({
    address,
    connections: upstream.connections,
    connectTimeout: upstream.connect_timeout,
    lookup: lookupOutsideMetadata,
    tls,
  }),
  scheme: address.secure ? 'https' : 'http',
  answerTimeout: upstream.answer_timeout,
  idleTimeout: upstream.idle_timeout,
});

/** Returns name and value of the credential that the gateway presents; empty for none. */
export function credentialLine(config: ServiceConfig, secret: string): readonly string[] {
  const { credential } = config.upstream;
  if (credential === 'none' || 'aws' in credential) return [];
  return 'bearer' in credential ? ['Authorization', `Bearer ${secret}`] : [credential.header, secret];
}

// The address that is checked is the address that is connected to: no second resolution in between.
export const lookupOutsideMetadata: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, []);
    const allowed = addresses.filter(({ address }) => !isMetadataAddress(address));
    const [first] = allowed;
    if (first === undefined)
      return done(new Error(`${hostname} resolves to metadata or link-local addresses only`), []);
    if (options.all === true) return done(null, allowed);
    return done(null, first.address, first.family);
  });
};
