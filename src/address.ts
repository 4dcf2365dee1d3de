/** Reads the addresses of the config. */

import { isIP } from 'node:net';

/** Where to listen. */
export interface Address {
  /** Without brackets around an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

const UNIX = 'unix:';

/** Returns the path of `unix:PATH`; null for any other address. */
export const unixPath = (address: string): string | null =>
  address.startsWith(UNIX) ? address.slice(UNIX.length) : null;

/** Where a model server is. */
export interface UpstreamAddress {
  readonly secure: boolean;
  /** What connections are made to, `http://localhost` for a Unix socket. */
  readonly origin: string;
  /** `host[:port]`, for the Host field. */
  readonly host: string;
  /** Without brackets around an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** What TLS asks for; empty for an IP address (RFC 6066 §3). */
  readonly servername: string;
  /** Null for TCP. */
  readonly socketPath: string | null;
  /** Mount path without a trailing slash; empty for none. */
  readonly mount: string;
}

// the colon ends the path of the socket, as with nginx
const UNIX_URL = /^unix:(\/[^:?#]+)(?::(\/[^?#]*))?$/;

/** Returns where `https://HOST[:PORT][/MOUNT]`, `http://…` or `unix:/PATH[:/MOUNT]` leads; null when it is none of them. */
export function splitUpstream(text: string): UpstreamAddress | null {
  const [matched, socketPath = '', mount = ''] = UNIX_URL.exec(text) ?? [];
  if (matched !== undefined)
    return {
      secure: false,
      origin: 'http://localhost',
      host: 'localhost',
      hostname: 'localhost',
      port: 80,
      servername: '',
      socketPath,
      mount: mount.replace(/\/+$/, ''),
    };
  if (!URL.canParse(text)) return null;
  const { protocol, origin, host, hostname, port, pathname } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return null;
  const secure = protocol === 'https:';
  const bare = hostname.replace(/^\[|\]$/g, '');
  return {
    secure,
    origin,
    host,
    hostname: bare,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    servername: isIP(bare) === 0 ? bare : '',
    socketPath: null,
    mount: pathname.replace(/\/+$/, ''),
  };
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
  ENOENT: 'its folder is not there',
};

/** Returns an Error that says which address of the config, named by its `key`, cannot be opened, why, and what to do. */
export function cannotOpen(key: string, address: string, cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why = CANNOT_OPEN[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new Error(`${address} (${key}) cannot be opened: ${why}`, { cause });
}
