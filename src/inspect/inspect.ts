/** inspect: a body becomes facts. What cannot be read is refused, unless the service says that it may pass unread. */

import type { Facts, RequestReading, Text } from '../call.ts';
import type { Scanner } from '../detect/scanner.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import { type JsonDocument, readJson } from '../protocol/json.ts';
import { jsonStrings } from '../protocol/json-pieces.ts';
import { bodyForm } from '../protocol/media-type.ts';
import { Failure } from '../reasons.ts';

/** What is inspected. */
export interface Inspection {
  readonly codec: Codec;
  readonly operation: Operation;
  /** The whole body; empty when there is none. */
  readonly body: Buffer;
  /** The request's content type; empty when it has none. */
  readonly contentType: string;
  /** What the model server does when no output limit is asked for; null when unknown. */
  readonly assumeMaxTokens: number | null;
  /** What cannot be read may pass, and the facts say so. */
  readonly opaque: boolean;
}

/** What inspection learnt, and the reading that later stations work on; null where there is no body to read. */
export interface Inspected {
  readonly facts: Facts;
  readonly document: JsonDocument | null;
}

const NOTHING_SAID: RequestReading = {
  model: '',
  stream: false,
  maxTokens: null,
  n: 1,
  temperature: null,
  texts: [],
  tools: [],
  images: 0,
  audios: 0,
  files: 0,
  tokenIds: 0,
};

const BYTES_PER_TOKEN = 4;

const unreadable = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

/** Returns the document in the body, null for an operation without one. Throws Failure `body-unreadable`. */
const readBody = ({ operation, body, contentType }: Inspection): JsonDocument | null => {
  if (body.length === 0) {
    if (operation.body === 'none' || operation.body === 'optional') return null;
    throw unreadable('a body');
  }
  if (operation.body === 'none') throw unreadable('no body');
  if (operation.body === 'opaque' || bodyForm(contentType) !== 'json')
    throw unreadable('a body of content type application/json');
  return readJson(body);
};

const countFindings = (texts: readonly Text[], call: Inspection, document: unknown, scanner: Scanner) => {
  const counts: Record<string, number> = {};
  const scan = (text: string): void => {
    for (const { kind } of scanner.scan(text)) counts[kind] = (counts[kind] ?? 0) + 1;
  };
  const { codec, operation } = call;
  for (const { path, text } of texts) {
    if (codec.kind(operation, path, text, document) === 'json') jsonStrings(text).forEach(scan);
    else scan(text);
  }
  return counts;
};

const bytesOf = (texts: readonly Text[]): number => {
  let bytes = 0;
  for (const { text } of texts) bytes += Buffer.byteLength(text);
  return bytes;
};

const factsOf = (
  call: Inspection,
  reading: RequestReading,
  findings: Readonly<Record<string, number>>,
  opaque: boolean,
): Facts => ({
  operation: call.operation.name,
  model: reading.model,
  stream: reading.stream,
  texts: reading.texts,
  tools: reading.tools,
  tensors: reading.tensors ?? [],
  maxTokens: reading.maxTokens ?? call.assumeMaxTokens ?? Number.MAX_SAFE_INTEGER,
  // Of a body that nobody could read, every byte may be text.
  inputTokens: Math.ceil((opaque ? call.body.length : bytesOf(reading.texts)) / BYTES_PER_TOKEN) + reading.tokenIds,
  n: reading.n,
  temperature: reading.temperature ?? 1,
  images: reading.images,
  audios: reading.audios,
  files: reading.files,
  tokenIds: reading.tokenIds,
  bodyBytes: call.body.length,
  opaque,
  findings,
});

const read = (call: Inspection, scanner: Scanner): Inspected => {
  const document = readBody(call);
  if (document === null) return { facts: factsOf(call, NOTHING_SAID, {}, false), document };
  const reading = call.codec.request(call.operation, document.value);
  const findings = countFindings(reading.texts, call, document.value, scanner);
  return { facts: factsOf(call, reading, findings, false), document };
};

/**
 * Returns the facts of a call, every one of them with a value, and its document. Throws Failure `body-unreadable` for a
 * body that is not what its operation says, unless `opaque` lets it pass.
 */
export const inspect = (call: Inspection, scanner: Scanner): Inspected => {
  try {
    return read(call, scanner);
  } catch (cause) {
    if (call.opaque && cause instanceof Failure && cause.reason === 'body-unreadable')
      return { facts: factsOf(call, NOTHING_SAID, {}, true), document: null };
    throw cause;
  }
};
