/** Reads a request head once, refusing what two parsers could read in two ways (RFC 9112 §6.3, §11.2). */

import { SPEAKS_OF_ANOTHER } from './fields.ts';
import { readTarget, type Target } from './path.ts';

/** What the gateway itself reads out of the field lines; everything else is only carried. */
export interface Head extends Target {
  readonly method: string;
  readonly host: string;
  readonly rawHeaders: readonly string[];
  /** Bytes, or null when the length is not declared. */
  readonly contentLength: number | null;
  /** A body follows without a declared length. */
  readonly chunked: boolean;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly expectsContinue: boolean;
  /** Seconds of `Prefer: wait=N` (RFC 7240 §4.3); 0 when absent. */
  readonly wait: number;
  /** The approval that a retry presents; empty when none. */
  readonly approval: string;
  /** The recorded session that this call says it repeats; empty when none. */
  readonly replayOf: string;
  /** The service that a gRPC call names; empty when none. */
  readonly service: string;
  readonly forwardedFor: string;
  /** It asks for a WebSocket (RFC 6455 §4.1), and its connection was handed over for one. */
  readonly websocket: boolean;
}

/** Why a head is refused: for the operator's log, never with a value out of the request. */
export interface BadHead {
  readonly bad: string;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Names that mean something to us; a second field line with one of them has no single reading. */
const SINGLETONS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'prefer',
  'sallyport-approval',
  'sallyport-replay-of',
  'sallyport-service',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
]);

/** Names that some servers read with `_` for `-` (CGI): written so, they would say something that we did not check. */
const INTERPRETED: ReadonlySet<string> = new Set([
  ...SINGLETONS,
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'connection',
  'te',
  'trailer',
  'forwarded',
  ...SPEAKS_OF_ANOTHER,
]);

const isInterpreted = (name: string): boolean =>
  INTERPRETED.has(name) || name.startsWith('x-forwarded-') || name.startsWith('sallyport-');

/** What a head is read from: node's IncomingMessage, or what http/http2-head.ts makes of a stream's. */
export interface IncomingHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  /** A body follows although no field says so: HTTP/2, where frames end it. */
  readonly unframed?: boolean;
  /** The HTTP server has let go of the connection, for another protocol. */
  readonly upgraded?: boolean;
}

/**
 * Returns the head of a request, or why it is refused. Node's own merged headers are not used: they silently keep
 * the first of two lines and join others.
 */
export function readHead(incoming: IncomingHead): Head | BadHead {
  const method = incoming.method ?? '';
  if (!METHODS.has(method)) return { bad: 'method is not one that is forwarded' };
  if (incoming.httpVersion !== '1.1' && incoming.httpVersion !== '2.0')
    return { bad: 'HTTP version is neither 1.1 nor 2' };
  const target = readTarget(incoming.url ?? '');
  if (target === null) return { bad: 'request target has no single reading' };
  const fields = readFields(incoming.rawHeaders);
  if ('bad' in fields) return fields;
  return readFraming(method, target, incoming, fields);
}

type Fields = Map<string, string>;

function readFields(raw: readonly string[]): Fields | BadHead {
  const fields: Fields = new Map();
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (name.includes('_') && isInterpreted(name.replaceAll('_', '-'))) return { bad: 'field name with an underscore' };
    if (!SINGLETONS.has(name)) {
      if (name === 'x-forwarded-for')
        fields.set(name, fields.has(name) ? `${fields.get(name)}, ${raw[at + 1]}` : (raw[at + 1] ?? ''));
      continue;
    }
    if (fields.has(name)) return { bad: `more than one ${name}` };
    fields.set(name, raw[at + 1] ?? '');
  }
  return fields;
}

function readFraming(method: string, target: Target, incoming: IncomingHead, fields: Fields): Head | BadHead {
  const { rawHeaders, unframed = false } = incoming;
  const host = fields.get('host');
  if (host === undefined || !HOST.test(host)) return { bad: 'host is missing or malformed' };
  const websocket = incoming.upgraded === true;
  if (fields.has('upgrade') !== websocket) return { bad: 'protocol upgrade is not offered' };
  if (websocket && !asksForWebSocket(method, fields)) return { bad: 'an upgrade to something else than a WebSocket' };

  const coding = fields.get('transfer-encoding');
  const declared = fields.get('content-length');
  // RFC 9112 §6.1: exactly `chunked`; anything in front of it or beside a length is a smuggling vector
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return { bad: 'transfer-encoding is not chunked' };
  if (coding !== undefined && declared !== undefined) return { bad: 'both content-length and transfer-encoding' };
  if (declared !== undefined && !/^\d{1,15}$/.test(declared)) return { bad: 'content-length is not a number' };
  const contentLength = declared === undefined ? null : Number(declared);
  const chunked = coding !== undefined || unframed;
  const hasBody = chunked || (contentLength ?? 0) > 0;
  if (hasBody && (method === 'GET' || method === 'HEAD')) return { bad: `a body with ${method}` };

  const expect = fields.get('expect');
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return { bad: 'unknown expectation' };

  return {
    ...target,
    method,
    host: host.toLowerCase(),
    rawHeaders,
    contentLength,
    chunked,
    contentType: fields.get('content-type') ?? '',
    contentEncoding: (fields.get('content-encoding') ?? '').toLowerCase(),
    expectsContinue: expect !== undefined,
    wait: readWait(fields.get('prefer') ?? ''),
    approval: fields.get('sallyport-approval') ?? '',
    replayOf: readReplayOf(fields.get('sallyport-replay-of') ?? ''),
    service: fields.get('sallyport-service') ?? '',
    forwardedFor: fields.get('x-forwarded-for') ?? '',
    websocket,
  };
}

// what is no session id names no session: it is not worth a refusal
const readReplayOf = (text: string): string => (/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text) ? text : '');

// RFC 6455 §4.2.1: 16 bytes in base64, and the one version that there is
const asksForWebSocket = (method: string, fields: Fields): boolean =>
  method === 'GET' &&
  fields.get('upgrade')?.toLowerCase() === 'websocket' &&
  fields.get('sec-websocket-version') === '13' &&
  /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(fields.get('sec-websocket-key') ?? '');

// RFC 9112 §3.2: uri-host [ ":" port ]; no userinfo, no path
const HOST = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?$/;

function readWait(prefer: string): number {
  if (prefer === '') return 0;
  const match = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,6})"?/i.exec(prefer);
  return match === null ? 0 : Number(match[1]);
}
