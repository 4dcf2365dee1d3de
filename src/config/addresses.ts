/** What must hold of where the gateway is reached, and of where it reaches others. */

import { isIP } from 'node:net';
import { splitUpstream, unixPath } from '../address.ts';
import { safeJson } from '../safe-text.ts';
import { BASE, type Check, isBase, unique, unknownService, when } from './check.ts';
import type { ConfigPath } from './yaml.ts';

/** First path segments that the gateway answers itself (DESIGN.md "Addressing"). */
const RESERVED = new Set(['.well-known', 'oauth']);
const MAX_PORT = 65_535;

const reservedNames: Check = ({ services = [] }) =>
  services.flatMap(({ name }, at) =>
    when(RESERVED.has(name), ['services', at, 'name'], `${safeJson(name)} is an address of the gateway itself`),
  );

const isHost = (host: string): boolean => URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host;

const hosts: Check = ({ services = [] }) => [
  ...unique(
    services,
    ({ host }) => host,
    (at) => ['services', at, 'host'],
  ),
  ...services.flatMap(({ host }, at) =>
    when(
      host !== undefined && !isHost(host),
      ['services', at, 'host'],
      `expected a lower-case host name, with a port unless it is 80, found ${safeJson(host)}`,
    ),
  ),
];

const listenerServices: Check = ({ listeners = [], services }) => {
  const known = services?.map(({ name }) => name);
  if (known === undefined) return [];
  return listeners.flatMap(({ service }, at) =>
    service === undefined ? [] : unknownService(service, known, ['listeners', at, 'service']),
  );
};

/** Shorter than a path in `sockaddr_un` on Linux (108) and macOS (104), where a longer one would be cut or refused. */
const MAX_SOCKET_PATH = 100;

const socketPaths: Check = ({ listeners = [], services = [] }) => [
  ...listeners.flatMap(({ address }, at) => {
    const bytes = Buffer.byteLength(unixPath(address) ?? '');
    const why = `expected the path of a socket of at most ${MAX_SOCKET_PATH} bytes, found ${bytes}`;
    return when(bytes > MAX_SOCKET_PATH, ['listeners', at, 'address'], why);
  }),
  ...services.flatMap(({ upstream: { url } }, at) =>
    when(
      url.startsWith('unix:') && splitUpstream(url) === null,
      ['services', at, 'upstream', 'url'],
      `expected unix:/PATH or unix:/PATH:/MOUNT, found ${safeJson(url)}`,
    ),
  ),
];

const portOf = (address: string): number =>
  unixPath(address) === null ? Number(/:(\d+)$/.exec(address)?.[1]) : Number.NaN;

const addresses: Check = ({ listeners = [], control }) => {
  const all: { address: string; path: ConfigPath }[] = listeners.map(({ address }, at) => ({
    address,
    path: ['listeners', at, 'address'],
  }));
  if (control !== undefined) all.push({ address: control.address, path: ['control', 'address'] });
  return [
    // Port 0 is any free port, so two of them are two.
    ...unique(
      all,
      ({ address }) => (portOf(address) === 0 ? undefined : address),
      (at) => all[at]?.path ?? [],
    ),
    ...all.flatMap(({ address, path }) =>
      when(portOf(address) > MAX_PORT, path, `expected a port of at most ${MAX_PORT}, found ${portOf(address)}`),
    ),
  ];
};

const baseUrls: Check = ({ public_url: publicUrl, services = [] }) => [
  ...when(publicUrl !== undefined && !isBase(publicUrl), ['public_url'], BASE),
  ...services.flatMap(({ upstream }, at) => when(!isBase(upstream.url), ['services', at, 'upstream', 'url'], BASE)),
];

const isRange = (text: string): boolean => {
  if (text === 'unix') return true;
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)];
  if (most === undefined || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
};

const trustedProxies: Check = ({ trusted_proxies: ranges = [] }) =>
  ranges.flatMap((range, at) =>
    when(
      !isRange(range),
      ['trusted_proxies', at],
      `expected an address, a CIDR range or unix, found ${safeJson(range)}`,
    ),
  );

/** All of them. */
export const ADDRESS_CHECKS: readonly Check[] = [
  reservedNames,
  hosts,
  listenerServices,
  addresses,
  socketPaths,
  baseUrls,
  trustedProxies,
];
