/** inspect: a body becomes facts. What cannot be read is refused, unless the service says that it may pass unread. */

import { type CloserLook, type Facts, type Finding, NOTHING_CLOSER, type RequestReading, type Text } from '../call.ts';
import { type Scanner, SLICE } from '../detect/scanner.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import {
  type Asked,
  checkOperations,
  type Content,
  jsonContent,
  NOTHING_ASKED,
  type RawBody,
} from '../protocol/content.ts';
import { readJson } from '../protocol/json/json.ts';
import { jsonStrings } from '../protocol/json/json-pieces.ts';
import { bodyForm } from '../protocol/media-type.ts';
import { Failure } from '../reasons.ts';
import { type Looks, lookCloser, NO_LOOKS } from './closer.ts';
import { together } from './together.ts';
import type { Digest } from '../tripwire/wire.ts';
import { atOnce, type TimeLimit } from '../turns.ts';

/** What is inspected. */
export interface Inspection {
  readonly codec: Codec;
  readonly operation: Operation;
  /** The whole body; its bytes are empty when there is none. */
  readonly body: RawBody;
  /** What the model server does when no output limit is asked for; null when unknown. */
  readonly assumeMaxTokens: number | null;
  /** What cannot be read may pass, and the facts say so. */
  readonly opaque: boolean;
  /** What rules read of a closer look; what is missing here is made when it is read. */
  readonly looks?: Looks;
  /** Digests what trips the wires; missing where nobody asks for that. */
  readonly digest?: Digest;
}

/** What inspection learnt. */
export interface Inspected {
  /** The call as a whole. */
  readonly facts: Facts;
  /** Each operation of the call, in their order: policy decides on every one. */
  readonly each: readonly Facts[];
  /** The reading that later stations work on; null where there is no body to read. */
  readonly content: Content | null;
  /** What was found in which text: the mask of the body need not look for it again. */
  readonly scanned: ReadonlyMap<string, readonly Finding[]>;
}

const BYTES_PER_TOKEN = 4;

const unreadable = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

/** Returns what the body holds, null for an operation without one. Throws Failure `body-unreadable`. */
const readBody = ({ codec, operation, body }: Inspection): Content | null => {
  if (body.bytes.length === 0) {
    if (operation.body === 'none' || operation.body === 'optional') return null;
    throw unreadable('a body');
  }
  if (operation.body === 'none') throw unreadable('no body');
  const content = codec.content?.(operation, body) ?? null;
  if (content !== null) return checkOperations(content);
  if (operation.body === 'opaque' || bodyForm(body.contentType) !== 'json')
    throw unreadable('a body of content type application/json');
  const document = readJson(body.bytes, 'body-unreadable', { loneSurrogates: 'refuse', nonFinite: codec.nonFinite });
  const reading = codec.request(operation, document.value);
  return jsonContent(operation, document, [{ operation, document: document.value, reading }]);
};

/** Counts what is found in the texts of one operation, and keeps it by the text, in steps of at most some milliseconds each. */
function* countFindings(
  { operation, document, reading }: Asked,
  codec: Codec,
  scanner: Scanner,
  scanned: Map<string, readonly Finding[]>,
) {
  const counts: Record<string, number> = {};
  let units = 0;
  for (const { path, text } of reading.texts) {
    // Of base64, texts are what it holds.
    const inner = codec.kind(operation, path, text, document) === 'text' ? [text] : jsonStrings(text);
    for (const one of inner) {
      const findings = one.length > SLICE ? yield* scanner.steps(one) : scanner.scan(one);
      for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
      scanned.set(one, findings);
      units += one.length;
      if (units < SLICE) continue;
      units = 0;
      yield;
    }
  }
  return counts;
}

const bytesOf = (texts: readonly Text[]): number => {
  let bytes = 0;
  for (const { text } of texts) bytes += Buffer.byteLength(text);
  return bytes;
};

/** What is known of one operation before its facts are made. */
interface Learnt {
  readonly operation: Operation;
  readonly reading: RequestReading;
  readonly findings: Readonly<Record<string, number>>;
  readonly opaque: boolean;
  readonly operations: number;
  readonly closer?: CloserLook;
}

/** What facts are made with, beside what was learnt. */
interface Measured {
  readonly body: { readonly bytes: Buffer };
  readonly assumeMaxTokens: number | null;
}

/** Returns the facts of one operation. */
export const factsOf = (
  call: Measured,
  { operation, reading, findings, opaque, operations, closer }: Learnt,
): Facts => ({
  operation: operation.name,
  // A path that names the model names it for good.
  model: operation.names?.['model'] ?? reading.model,
  stream: reading.stream,
  texts: reading.texts,
  tools: reading.tools,
  tensors: reading.tensors ?? [],
  maxTokens: reading.maxTokens ?? call.assumeMaxTokens ?? Number.MAX_SAFE_INTEGER,
  // Of a body that nobody could read, every byte may be text.
  inputTokens:
    Math.ceil((opaque ? call.body.bytes.length : bytesOf(reading.texts)) / BYTES_PER_TOKEN) + reading.tokenIds,
  n: reading.n,
  temperature: reading.temperature ?? 1,
  images: reading.images,
  audios: reading.audios,
  files: reading.files,
  tokenIds: reading.tokenIds,
  bodyBytes: call.body.bytes.length,
  opaque,
  management: operation.management === true,
  operations,
  findings,
  closer: closer ?? NOTHING_CLOSER,
});

/** Returns what an operation says that has no body, or one that nobody could read. */
const unsaid = (call: Inspection, opaque: boolean): Inspected => {
  const { operation } = call;
  const facts = factsOf(call, { operation, reading: NOTHING_ASKED, findings: {}, opaque, operations: 1 });
  return { facts, each: [facts], content: null, scanned: new Map() };
};

function* read(call: Inspection, scanner: Scanner): Generator<void, Inspected> {
  const content = readBody(call);
  if (content === null) return unsaid(call, false);
  const operations = content.asked.length;
  const each: Facts[] = [];
  const scanned = new Map<string, readonly Finding[]>();
  for (const asked of content.asked) {
    const unseen = asked.reading.unseen === true;
    if (unseen && !call.opaque) throw unreadable('all of the input in the request');
    const findings = yield* countFindings(asked, call.codec, scanner, scanned);
    const closer = lookCloser(asked, call.codec, call.digest);
    yield* closer.prepare(call.looks ?? NO_LOOKS);
    each.push(factsOf(call, { ...asked, findings, opaque: unseen, operations, closer }));
  }
  return { facts: together(each), each, content, scanned };
}

/**
 * Yields whenever somebody else may have a turn, and returns the facts of a call, every one of them with a value, and what
 * its body holds. Throws Failure `body-unreadable` for a body that is not what its operation says, unless `opaque` lets it
 * pass.
 */
export function* inspecting(call: Inspection, scanner: Scanner): Generator<void, Inspected> {
  try {
    return yield* read(call, scanner);
  } catch (cause) {
    if (call.opaque && cause instanceof Failure && cause.reason === 'body-unreadable') return unsaid(call, true);
    throw cause;
  }
}

/** Returns what `inspecting` does, in one go. */
export const inspect = (call: Inspection, scanner: Scanner): Inspected => atOnce(inspecting(call, scanner));

/** Returns the facts of one operation that was read already: a handshake, or a message of a WebSocket. */
export const inspectAsked = (call: Inspection, asked: Asked, scanner: Scanner, limit?: TimeLimit): Facts =>
  atOnce(inspectingAsked(call, asked, scanner), limit);

/** Returns what `inspectAsked` does, in steps. */
export function* inspectingAsked(call: Inspection, asked: Asked, scanner: Scanner): Generator<void, Facts> {
  const findings = yield* countFindings(asked, call.codec, scanner, new Map());
  const closer = lookCloser(asked, call.codec, call.digest);
  yield* closer.prepare(call.looks ?? NO_LOOKS);
  return factsOf(call, { ...asked, findings, opaque: false, operations: 1, closer });
}
