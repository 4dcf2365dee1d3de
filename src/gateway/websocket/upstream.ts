/** One service's WebSockets to its model server. */

import type { LookupFunction } from 'node:net';
import { WebSocket } from 'ws';
import type { UpstreamAddress } from '../../address.ts';
import type { UpstreamTls } from '../upstream-tls.ts';

/** What is asked of the model server. */
export interface SocketRequest {
  /** With the mount path and the query. */
  readonly path: string;
  readonly protocols: readonly string[];
  /** Field lines: name, value, name, value. */
  readonly fields: readonly string[];
}

/** Begins a connection; its events tell what came of it. */
export type OpenUpstreamSocket = (request: SocketRequest) => WebSocket;

/** The longest message of a model server. */
const LONGEST = 64 * 1024 ** 2;

/** Returns what opens WebSockets to a model server. Redirects are not followed, and nothing is compressed. */
export function upstreamSockets(
  address: UpstreamAddress,
  lookup: LookupFunction,
  tls: UpstreamTls,
): OpenUpstreamSocket {
  const base = address.origin.replace(/^http/, 'ws');
  return ({ path, protocols, fields }) => {
    const url = address.socketPath === null ? base + path : `ws+unix:${address.socketPath}:${path}`;
    return new WebSocket(url, [...protocols], {
      ...tls,
      headers: grouped(fields),
      lookup,
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: LONGEST,
    });
  };
}

/** A name that comes more than once keeps every value. */
function grouped(fields: readonly string[]): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  for (let at = 0; at < fields.length; at += 2) (lines[fields[at] ?? ''] ??= []).push(fields[at + 1] ?? '');
  return lines;
}
