/** accept: the head of a gRPC call → the one canonical request, its service and method, or a refusal. */

import type { GrpcMethod } from '../../protocol/grpc/codec.ts';
import { readTimeout } from '../../protocol/grpc/timeout.ts';
import type { Accepted, Arrival, NotAccepted } from '../accept.ts';
import type { Epoch, Served, ServedGrpc } from '../gate.ts';
import { readHead, type Head, type IncomingHead } from '../http/head.ts';

/** A gRPC call that may be identified. */
export interface AcceptedGrpc extends Accepted {
  readonly grpc: ServedGrpc;
  /** Null while the service is not known to have it. */
  readonly method: GrpcMethod | null;
  /** `grpc-encoding`; empty for none. */
  readonly coding: string;
  /** Milliseconds that the caller waits; null for as long as it takes. */
  readonly timeout: number | null;
}

const refused = (reason: NotAccepted['reason'], detail: string): NotAccepted => ({ kind: 'refused', reason, detail });

/** What the gateway itself reads of the metadata, beside what http/head.ts reads: each may come once. */
const OURS: ReadonlySet<string> = new Set(['grpc-timeout', 'grpc-encoding', 'te']);
// PROTOCOL-HTTP2.md "Path": "/" Service-Name "/" {method name}
const METHOD_PATH = /^\/[A-Za-z_][\w.]*\/[A-Za-z_]\w*$/;

/** Returns the canonical request of a gRPC call, or why it is refused. Reads nothing but the head. */
export function acceptGrpc(epoch: Epoch, incoming: IncomingHead, arrival: Arrival): AcceptedGrpc | NotAccepted {
  const head = readHead(incoming);
  if ('bad' in head) return refused('bad-request', head.bad);
  if (head.method !== 'POST' || head.query !== '' || !METHOD_PATH.test(head.path))
    return refused('bad-request', 'expected POST to /SERVICE/METHOD');
  const ours = readOurs(head);
  if (ours === null) return refused('bad-request', 'grpc-timeout, grpc-encoding and te come once');
  const timeout = readTimeout(ours.get('grpc-timeout') ?? '');
  if (timeout === null && ours.has('grpc-timeout')) return refused('bad-request', 'grpc-timeout is malformed');

  const found = findService(epoch, head, arrival.listener);
  if ('kind' in found) return found;
  const { served, grpc } = found;
  const method = grpc.known().method(head.path);
  return {
    kind: 'accepted',
    head,
    served,
    grpc,
    method,
    operation: method?.operation ?? null,
    socket: null,
    coding: ours.get('grpc-encoding') ?? '',
    timeout,
    request: {
      method: 'POST',
      service: served.config.name,
      path: head.path,
      query: '',
      rawHeaders: head.rawHeaders,
      source: arrival.proxies.source(arrival.peer, head.forwardedFor),
    },
  };
}

/** Returns the values of our names, null when one of them comes twice. */
function readOurs({ rawHeaders }: Head): ReadonlyMap<string, string> | null {
  const values = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!OURS.has(name)) continue;
    if (values.has(name)) return null;
    values.set(name, rawHeaders[at + 1] ?? '');
  }
  return values;
}

interface Found {
  readonly served: Served;
  readonly grpc: ServedGrpc;
}

/**
 * Returns the service that a call is for: the listener's, else the one that `:authority` names, else the one that
 * metadata names, else the only one there is. Two that differ have no single reading.
 */
function findService(epoch: Epoch, { host, service: named }: Head, listener: string): Found | NotAccepted {
  const services = epoch.served.flatMap((served) => (served.grpc === null ? [] : [{ served, grpc: served.grpc }]));
  const byName = (name: string): Found | undefined => services.find(({ served }) => served.config.name === name);
  const bound =
    listener === '' ? services.find(({ served }) => served.config.host?.toLowerCase() === host) : byName(listener);
  if (bound === undefined && listener !== '') return refused('no-service', 'This listener carries no gRPC.');
  if (bound !== undefined) {
    if (named === '' || named === bound.served.config.name) return bound;
    return refused('bad-request', 'sallyport-service names another service than the address');
  }
  if (named !== '') return byName(named) ?? refused('no-service', 'No gRPC service has the name in sallyport-service.');
  const [only] = services;
  if (only !== undefined && services.length === 1) return only;
  return refused('no-service', 'Name the service in metadata sallyport-service, or call it by its host.');
}
