/** accept: the head of a request → the one canonical request and the service it is for, or a refusal. */

import type { CanonicalRequest } from '../call.ts';
import type { Operation } from '../protocol/codec.ts';
import type { SocketCodec } from '../protocol/socket.ts';
import type { Reason } from '../reasons.ts';
import type { Epoch, Served } from './gate.ts';
import { readHead, type Head, type IncomingHead } from './http/head.ts';
import type { TrustedProxies } from './http/source.ts';

/** A request that may be identified. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly head: Head;
  readonly request: CanonicalRequest;
  readonly served: Served;
  /** Null when the protocol knows no such operation. */
  readonly operation: Operation | null;
  /** The messages of an operation that is a WebSocket; null for any other. */
  readonly socket: SocketCodec | null;
}

/** A request that is not for us to forward, and why; `detail` is safe for the caller. */
export interface NotAccepted {
  readonly kind: 'refused';
  readonly reason: Reason;
  readonly detail: string;
}

/** Where a connection came in. */
export interface Arrival {
  /** The service that the listener is bound to; empty for none. */
  readonly listener: string;
  readonly peer: string;
  readonly proxies: TrustedProxies;
}

const NO_SOCKET = 'No WebSocket is offered here.';
const ONLY_SOCKET = 'This operation is a WebSocket.';

/** Returns the canonical request of an incoming head, or why it is refused. Reads nothing but the head. */
export function accept(epoch: Epoch, incoming: IncomingHead, arrival: Arrival): Accepted | NotAccepted {
  const head = readHead(incoming);
  if ('bad' in head) return { kind: 'refused', reason: 'bad-request', detail: head.bad };
  const route = epoch.routes.find(arrival.listener, head.host, head.path);
  if (route === null) return { kind: 'refused', reason: 'no-service', detail: 'Services answer at /NAME/…' };
  const { codec, config } = route.service;
  const operation = codec.operation(head.method, route.path);
  const socket = operation === null ? null : (codec.socket?.(operation) ?? null);
  if (head.websocket !== (socket !== null) || (socket !== null && config.websocket === 'refuse'))
    return { kind: 'refused', reason: 'bad-request', detail: head.websocket ? NO_SOCKET : ONLY_SOCKET };
  return {
    kind: 'accepted',
    head,
    served: route.service,
    operation,
    socket,
    request: {
      method: head.method,
      service: route.service.config.name,
      path: route.path,
      query: head.query,
      rawHeaders: head.rawHeaders,
      source: arrival.proxies.source(arrival.peer, head.forwardedFor),
    },
  };
}
