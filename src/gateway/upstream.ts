/** One service's way to its model server: a pool of connections to one fixed origin, and the credential it presents. */

import { BlockList, isIP, type LookupFunction } from 'node:net';
import { lookup } from 'node:dns';
import { Pool } from 'undici';
import type { ServiceConfig } from '../config.ts';
import type { UpstreamFields } from './fields.ts';

/** A connected upstream. */
export interface Upstream {
  readonly pool: Pool;
  /** Mount path of the model server without a trailing slash; empty for none. */
  readonly mount: string;
  readonly fields: UpstreamFields;
  /** The secret part of the credential, to be kept out of answers; empty for none. */
  readonly secret: string;
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

/** Returns the upstream of a service. `secret` is the resolved credential; empty when it presents none. Throws on a metadata address. */
export function openUpstream(config: ServiceConfig, secret: string, callerCredentials: ReadonlySet<string>): Upstream {
  const url = new URL(config.upstream.url);
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (isMetadataAddress(hostname))
    throw new Error(`services.${config.name}.upstream.url: ${hostname} is a metadata or link-local address`);
  const pool = new Pool(url.origin, {
    connections: config.upstream.connections,
    pipelining: 1,
    // servers such as uvicorn close idle connections after 5 s: leave before they do, so that no POST meets a closing one
    keepAliveTimeout: 3_000,
    keepAliveTimeoutThreshold: 1_500,
    headersTimeout: config.upstream.answer_timeout,
    bodyTimeout: config.upstream.idle_timeout,
    maxHeaderSize: 64 * 1024,
    connect: { timeout: config.upstream.connect_timeout, lookup: lookupOutsideMetadata },
  });
  return {
    pool,
    mount: url.pathname.replace(/\/+$/, ''),
    fields: { host: url.host, credential: credentialLine(config, secret), callerCredentials },
    secret,
    close: () => pool.close(),
  };
}

function credentialLine(config: ServiceConfig, secret: string): readonly string[] {
  const { credential } = config.upstream;
  if (credential === 'none') return [];
  return 'bearer' in credential ? ['Authorization', `Bearer ${secret}`] : [credential.header, secret];
}

// The address that is checked is the address that is connected to: no second resolution in between.
const lookupOutsideMetadata: LookupFunction = (hostname, options, done) => {
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
