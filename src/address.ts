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

/** Why an address cannot be opened, in words; what to do about it stands behind each. */
const CANNOT_OPEN: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it: end that one (`ss -ltnp` names it), or choose another port',
  EACCES: 'this user may not open it: choose a port from 1024 on',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  ENOTFOUND: 'the host has no address',
};

/** Returns an Error that says which address of the config, named by its `key`, cannot be opened, why, and what to do. */
export function cannotOpen(key: string, address: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = CANNOT_OPEN[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new Error(`${address} (${key}) cannot be opened: ${why}`, { cause });
}
