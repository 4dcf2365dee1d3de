/** Addresses of machines, and credentials in URLs. */

import { isIPv6 } from 'node:net';
import { type Detector, phrases, re, rei } from './detector.ts';
import { WORD_START } from './fragments.ts';

// RFC 3986 §3.2.1, less strict: what people paste as a password is often not percent-encoded. A user never has these,
// a password may have the colon, the at sign, `?` and `#`: the last at sign of the authority ends it (WHATWG URL §4.4).
const NEVER = String.raw`\s\/"'<>\\\u0060`;
const USER = String.raw`[^${NEVER}:@?#\[\]]{0,128}`;
// A port is at most five digits and then the authority is over; what goes on otherwise is a password.
const NOT_A_PORT = String.raw`(?:\d{0,5}[^${NEVER}?#@\d]|\d{6})`;
/** A password of over a hundred units is decided before its end is seen. */
const CREDENTIALS = String.raw`${USER}:(?:${NOT_A_PORT}[^${NEVER}]{0,99}(?=@)|\d{1,5}(?=@)|${NOT_A_PORT}[^${NEVER}]{100})`;

const DATABASES = String.raw`(?:postgres|postgresql|mysql|mariadb|mongodb|redis|rediss|amqp|amqps|mssql|sqlserver|oracle|clickhouse|cockroachdb|couchbase|cassandra|neo4j|bolt|nats|kafka|ldap|ldaps|snowflake|db2|trino|hive)`;

/** `${PASSWORD}`, `{{password}}`, `$PASSWORD`, `%PASSWORD%`, `***`, `xxx`: somebody else fills it in. */
const PLACEHOLDER = /^(?:\$?\{{1,2}[^{}]*\}{1,2}|\$\w+|%\w+%|\*+|x+|X+|\.+)$/;

const acceptCredentials = (match: string): number =>
  PLACEHOLDER.test(match.slice(match.indexOf(':') + 1)) ? 0 : match.length;

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]\d|\d)`;

const IPV4 = String.raw`${OCTET}(?:\.${OCTET}){3}`;
/** Four numbers as a part of five are no address. */
const IPV4_START = String.raw`${WORD_START}(?<!\d\.)`;
/** Nor is what goes on as a version does. */
const IPV4_END = String.raw`(?![A-Za-z0-9_]|\.\d|-[A-Za-z])`;
/** What says that four numbers are something else. */
const NOT_SAID = String.raw`(?<![Vv]ersion |[Vv]ersion: |[Ss]ection |[Ss]ection-|[Ss]ections |[Ss]ec\. |§ |§)`;

/** This machine, every machine and masks of networks tell nothing about anybody (RFC 6890 §2.2.2). */
const isNobody = (match: string): boolean => /^(?:0|127|255)\./.test(match);

const acceptIpv4 = (match: string): number => (isNobody(match) ? 0 : match.length);

/** Sections of a standard, arcs of an OID, versions (`4.3.61.21`): they have four such numbers, or begin with two tiny ones. */
const SMALL = 63;
const TINY = 15;

/** Small numbers need something that says address: one address in a hundred is so, but for those that begin with 10 (RFC 1918). */
const acceptTelling = (match: string): number => {
  const octets = match.split('.').map(Number);
  const isSmall = octets.every((octet) => octet <= SMALL) || octets.slice(0, 2).every((octet) => octet <= TINY);
  return isSmall && octets[0] !== 10 ? 0 : acceptIpv4(match);
};

/** What says that an address follows. */
const ADDRESS_WORDS = phrases(
  'ip, ips, ipv4, inet, address, addresses, addr, host, hosts, hostname, client, server, peer, remote, ping, traceroute, dns',
  'nameserver, resolver, gateway, proxy, subnet, network, netmask, router, firewall, listen, bind, connect, connected, endpoint',
  'forwarded, via, origin, whois, allowlist, denylist, blocklist, whitelist, blacklist',
  'port, ssh, telnet, login, logged, request, requests, blocked, banned, attack, traffic, visitor, source, destination, src, dst',
  'Adresse, Rechner, serveur, hôte, dirección, servidor, indirizzo, endereço, adres, adresu, serwer, 地址, 服务器, アドレス, 주소',
);

// The blocks in use (IANA IPv6 address space): global unicast, unique local, link-local, multicast, NAT64, mapped IPv4.
// Slices (`a[1::2]`), scopes (`ab::cd`) and times look like other addresses.
const ASSIGNED = String.raw`(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]|ff[0-9a-f]{2}|64:ff9b|::ffff)`;

const acceptIpv6 = (match: string): number => {
  const address = match.replace(/[.:]{1,3}$/, (end) => (end === '::' ? end : ''));
  if (isIPv6(address)) return address.length;
  const bare = match.replace(/[.:]+$/, '');
  return isIPv6(bare) ? bare.length : 0;
};

const acceptMac = (match: string): number => (/^(?:0+|f+)$/i.test(match.replace(/[.:-]/g, '')) ? 0 : match.length);

/** Detectors of this family, in priority order. */
export const NETWORK: readonly Detector[] = [
  {
    kind: 'secret.database_url',
    pattern: rei`(?<=${DATABASES}(?:\+[a-z0-9]{1,16})?:\/\/)${CREDENTIALS}`,
    accept: acceptCredentials,
    swallow: { while: `^${NEVER}@` },
    score: 0.95,
  },
  {
    kind: 'url_credentials',
    pattern: re`(?<=[A-Za-z0-9+.-]:\/\/)${CREDENTIALS}`,
    accept: acceptCredentials,
    swallow: { while: `^${NEVER}@` },
    score: 0.95,
  },
  {
    kind: 'mac',
    // More than six groups are a fingerprint or an EUI-64.
    pattern: re`${WORD_START}(?<![^A-Za-z0-9][0-9A-Fa-f]{2}[:-])(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![A-Za-z0-9_]|[:.-][0-9A-Fa-f])`,
    accept: acceptMac,
    score: 0.9,
  },
  {
    kind: 'ipv6',
    pattern: rei`${WORD_START}${ASSIGNED}:[0-9a-f:.]{1,41}(?![a-z0-9_])`,
    accept: acceptIpv6,
    score: 0.9,
  },
  {
    kind: 'ipv4',
    pattern: re`${IPV4_START}${NOT_SAID}${IPV4}${IPV4_END}`,
    accept: acceptTelling,
    score: 0.8,
  },
  // Small numbers are an address with a port, the length of a prefix or a log's dash behind them, in a URL, alone, or
  // behind a word.
  {
    kind: 'ipv4',
    pattern: re`${IPV4_START}${IPV4}(?=:\d\d|\/(?:[89]|[12]\d|3[0-2])| - )`,
    accept: acceptIpv4,
    score: 0.8,
  },
  {
    kind: 'ipv4',
    // All that a text says: the value of a member, whose name is not in the text.
    pattern: re`(?<![^])${IPV4}(?![^])`,
    accept: acceptIpv4,
    score: 0.7,
  },
  {
    kind: 'ipv4',
    pattern: re`(?<=:\/\/|@)${IPV4}${IPV4_END}`,
    accept: acceptIpv4,
    score: 0.8,
  },
  {
    kind: 'ipv4',
    pattern: re`${IPV4_START}${NOT_SAID}${IPV4}${IPV4_END}`,
    accept: acceptIpv4,
    context: { words: ADDRESS_WORDS, required: true },
    score: 0.8,
  },
];
