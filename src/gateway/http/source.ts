/** Whose address a call comes from: the peer's, unless a proxy that the config trusts vouches for another. */

import { BlockList, isIP } from 'node:net';

/** Reads `x-forwarded-for` only as far as the chain of trusted proxies reaches. */
export interface TrustedProxies {
  /** Returns the address that a call counts as coming from. */
  source(peer: string, forwardedFor: string): string;
}

/** The address of whoever connects to a Unix socket. */
export const UNIX_PEER = 'unix';

const plain = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

/** Returns the reader for a list of addresses and CIDR ranges. Throws on an entry that is neither. */
export function trustedProxies(entries: readonly string[]): TrustedProxies {
  if (entries.length === 0) return { source: (peer) => plain(peer) };
  const list = new BlockList();
  for (const entry of entries) if (entry !== UNIX_PEER) addEntry(list, entry);
  const trustsUnix = entries.includes(UNIX_PEER);
  const trusts = (address: string): boolean => {
    if (address === UNIX_PEER) return trustsUnix;
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
  return {
    source(peer, forwardedFor) {
      const chain = forwardedFor === '' ? [] : forwardedFor.split(',').map((part) => plain(part.trim()));
      let source = plain(peer);
      // right to left: each address was written by the hop to its right, so it counts only if that hop is trusted
      while (trusts(source)) {
        const next = chain.pop();
        if (next === undefined || isIP(next) === 0) return source;
        source = next;
      }
      return source;
    },
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', prefix] = entry.split('/');
  const family = isIP(address);
  if (family === 0) throw new Error(`trusted_proxies: "${entry}" is not an address or CIDR range`);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) return list.addAddress(address, type);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128))
    throw new Error(`trusted_proxies: "${entry}" has no valid prefix length`);
  list.addSubnet(address, Number(prefix), type);
}
