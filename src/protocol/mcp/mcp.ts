/**
 * MCP over streamable HTTP, both generations: the older with sessions, a stream by GET and batches (2025-03-26 to
 * 2025-11-25), and the newer, whose field lines repeat what the message says (2026-07-28). The operation of a call is the
 * method of its message. (modelcontextprotocol/modelcontextprotocol, docs/specification)
 */

import type { JsonStep, RequestReading, Text } from '../../call.ts';
import { REASONS, type Reason } from '../../reasons.ts';
import { isBase64 } from '../bytes-text.ts';
import type { Codec, Operation, Refusal, StreamReader, StringKind } from '../codec.ts';
import { type Asked, type Content, MAX_OPERATIONS, type Piece, type RawBody, type Rendering } from '../content.ts';
import { readJson } from '../json/json.ts';
import { fieldText, readHead, type RepeatedFields } from './head.ts';
import { badMessage, type Message, type MessageId, readMessage, subjectOf } from './message.ts';
import { bodyForm } from '../media-type.ts';
import { sse } from '../framing/sse.ts';
import { eventObject, NOTHING } from '../framing/stream-shape.ts';
import { looksLikeData } from '../strings.ts';
import { collectTexts, type TextRules } from '../texts.ts';
import { itemsOf, type JsonObject, stringMember, valueAt } from '../value.ts';
import { MCP_CALLS } from './tool-calls.ts';

/** A body of messages, before it is known which; its stream of the server's; its end. */
const MESSAGE: Operation = { name: 'message', body: 'json' };
const LISTEN: Operation = { name: 'stream.listen', body: 'none' };
const END: Operation = { name: 'session.end', body: 'none' };

/** Opaque words of the protocol: a cursor, a state that comes back. */
const OPAQUE: ReadonlySet<JsonStep> = new Set([
  'id',
  'jsonrpc',
  'method',
  'cursor',
  'nextCursor',
  'progressToken',
  'requestState',
  'protocolVersion',
  'mimeType',
]);

/** Content whose `data` is an image or a sound. */
const MEDIA: ReadonlySet<string> = new Set(['image', 'audio']);

const kind = (_: Operation, path: readonly JsonStep[], text: string, document: unknown): StringKind => {
  const name = path.at(-1);
  if (name === undefined) return 'text';
  // what a caller gives a tool has no shape that we know
  if (path.includes('arguments') || path.includes('structuredContent')) return 'json';
  if (OPAQUE.has(name)) return looksLikeData(text) ? 'data' : 'text';
  if (name === 'blob') return isBase64(text) ? 'base64' : 'text';
  if (name !== 'data' || !isBase64(text)) return 'json';
  return MEDIA.has(stringMember(valueAt(document, path, path.length - 1), 'type')) ? 'data' : 'text';
};

const RULES: TextRules = {
  kind: (path, text, document) => kind(MESSAGE, path, text, document),
  role: (_, value, around) => stringMember(value, 'role') || around,
  attachment(path, object) {
    const type = stringMember(object, 'type');
    if (path.includes('arguments') || stringMember(object, 'data') === '') return null;
    if (type === 'image') return 'images';
    return type === 'audio' ? 'audios' : null;
  },
  holdsTokenIds: () => false,
};

/** Returns what one message says. A tool that is called is the tool of the call. */
const readingOf = (value: unknown, message: Message, head: readonly Text[]): RequestReading => {
  const collected = collectTexts(value, RULES);
  const subject = subjectOf(message);
  const calls = message.kind !== 'response' && message.method === 'tools/call' && subject !== null;
  return {
    model: '',
    stream: false,
    maxTokens: null,
    n: 1,
    temperature: null,
    tools: calls ? [{ name: subject, type: 'function' }] : [],
    ...collected,
    texts: [...collected.texts, ...head],
  };
};

const nameOf = (message: Message): string => (message.kind === 'response' ? 'response' : message.method);

const askedOf = (value: unknown, message: Message, head: readonly Text[] = []): Asked => ({
  operation: { name: nameOf(message), body: 'json' },
  document: value,
  reading: readingOf(value, message, head),
});

/** A batch is of a version that has no field lines to repeat it (2025-03-26). */
const contentOf = (bytes: Buffer, rawHeaders: readonly string[]): Content => {
  const document = readJson(bytes);
  const isBatch = Array.isArray(document.value);
  const values = isBatch ? itemsOf(document.value) : [document.value];
  if (values.length > MAX_OPERATIONS) throw badMessage(`at most ${MAX_OPERATIONS} messages`);
  const messages = values.map(readMessage);
  const head = readHead(rawHeaders, messages);
  const said = head.params.map(({ name, value }): Text => ({ path: ['header', name], text: value, role: '' }));
  const asked = values.flatMap((value, at) => {
    const message = messages[at];
    return message === undefined ? [] : [askedOf(value, message, said)];
  });
  const ids = messages.flatMap((message) => (message.kind === 'request' ? [message.id] : []));
  const params = head.params.map(({ value }): Piece => ({ kind: 'text', text: value }));
  return {
    bytes,
    asked,
    replyTo: { ids, isBatch },
    pieces: [{ kind: 'json', document, operation: MESSAGE }, ...params],
    render: ([body, ...values]) => render(body ?? bytes, values, head),
  };
};

/** Returns the body, and the field lines that repeat it as it is now. */
const render = (bytes: Buffer, values: readonly Buffer[], head: RepeatedFields): Rendering => {
  const fields = head.params.flatMap(({ name }, at) => [name, fieldText(values[at]?.toString('utf8') ?? '')]);
  if (head.name !== null) {
    const subject = subjectOf(readMessage(readJson(bytes, 'mask-blocked').value));
    fields.push('Mcp-Name', fieldText(subject ?? ''));
  }
  return { bytes, fields };
};

/** Every event is a message of its own: no text goes on from one to the next. */
const reader: StreamReader = {
  read(_, value) {
    for (const message of Array.isArray(value) ? itemsOf(value) : [value]) eventObject(message);
    return NOTHING;
  },
  delta: (): never => {
    throw new RangeError('expected no text that grows');
  },
};

/** JSON-RPC 2.0 §5.1; everything of ours is in the range that is left to implementations. */
const CODES: Partial<Record<Reason, number>> = {
  'body-unreadable': -32600,
  'operation-unknown': -32601,
  internal: -32603,
};
const OURS = -32000;

const errorOf = ({ reason, title, detail, session, extra }: Refusal): JsonObject => ({
  code: CODES[reason] ?? OURS,
  message: detail === '' ? title : `${title} ${detail}`,
  data: { reason, retry: REASONS[reason].retry, ...(session === '' ? {} : { session }), ...extra },
});

const errorFor = (refusal: Refusal, id: MessageId | null): JsonObject => ({
  jsonrpc: '2.0',
  ...(id === null ? {} : { id }),
  error: errorOf(refusal),
});

/** The codec of MCP servers. */
export const mcp: Codec = {
  protocol: 'mcp',
  about: {
    title: 'Model Context Protocol over streamable HTTP, 2025-03-26 to 2026-07-28',
    operations: [],
    model: 'nowhere',
    reads:
      'every string of every message, both ways: arguments, results, prompts, resources (text, and text in base64), what servers ask of clients; the method is the operation and the tool that is called is in `call.tools`; `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*` and `MCP-Protocol-Version` must say what the message says, and are masked with it',
    limits:
      'images and sounds pass unseen and are counted; whether a `Mcp-Param-*` belongs to the argument that it repeats is left to the server, which has the schema; the transport of 2024-11-05 (HTTP+SSE) passes only when nothing is masked',
    clients: [
      {
        name: '@modelcontextprotocol/sdk',
        url: 'http://HOST/NAME/mcp',
        token: '`requestInit: { headers: { Authorization: "Bearer TOKEN" } }`',
      },
      { name: 'mcp (Python)', url: 'http://HOST/NAME/mcp', token: '`headers={"Authorization": "Bearer TOKEN"}`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        '@modelcontextprotocol/sdk and @modelcontextprotocol/client, each against the server of its version',
        '@modelcontextprotocol/conformance, of servers and of clients',
      ],
    },
  },
  operation(method) {
    if (method === 'POST') return MESSAGE;
    if (method === 'GET') return LISTEN;
    return method === 'DELETE' ? END : null;
  },
  request: (_, value) => readingOf(value, readMessage(value), []),
  content(_, { bytes, contentType, rawHeaders }: RawBody) {
    if (bodyForm(contentType) !== 'json') throw badMessage('a body of content type application/json');
    return contentOf(bytes, rawHeaders);
  },
  usage: () => null,
  kind,
  leaks: () => false,
  framings: () => [sse],
  counts: () => '',
  stream: () => reader,
  toolCalls: () => MCP_CALLS,
  refusalType: () => 'application/json',
  refusal: (refusal) => errorFor(refusal, null),
  // Clients take an error that answers their request for what it is, and any other status for a broken transport.
  wholeRefusal(refusal) {
    const { ids = [], isBatch = false } = refusal.replyTo ?? {};
    if (ids.length === 0) return { status: refusal.status, document: errorFor(refusal, null) };
    const errors = ids.map((id) => errorFor(refusal, id));
    return { status: 200, document: isBatch ? errors : errors[0] };
  },
  streamFailure: (refusal) => ({ event: 'message', value: errorFor(refusal, refusal.replyTo?.ids[0] ?? null) }),
};
