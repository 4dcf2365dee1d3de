/** Reads the addresses of the config. */

import { isIP } from 'node:net';

/** Where to listen. */
export interface Address {
  /** Without brackets around an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/** Returns the host and port of `HOST:PORT` or `[IPV6]:PORT`; the config's schema has checked the form. */
export function splitAddress(address: string): Address {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** Returns true when the hostname of a URL means this machine itself. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
