/**
 * Every protocol's exchanges through its codec: byte for byte when nothing is masked, edited where something is, however
 * the bytes are cut. What stands where is told by the data files; the events are read by code of the tests alone.
 */

import { describe, expect, it } from 'vitest';
import { singleBytes } from '../kit/event-stream.ts';
import { FRAMING_KITS } from '../kit/framed-events.ts';
import { idleMasker, maskWords, wordMasker } from '../kit/word-masker.ts';
import { createAnswerMask } from '../../src/mask/answer.ts';
import { observeAnswer } from '../../src/mask/observe.ts';
import type { TextMasker } from '../../src/mask/text-masker.ts';
import { codecs } from '../../src/protocol/codecs.ts';
import type { Operation } from '../../src/protocol/codec.ts';
import { compileScanner } from '../../src/detect/scanner.ts';
import { inspect } from '../../src/inspect/inspect.ts';
import { maskContent } from '../../src/mask/request.ts';
import { bytesOf, type Exchange, exchanges } from './exchange.ts';
import { textAt } from './text-at.ts';

const operationOf = ({ protocol, request }: Exchange): Operation => {
  const [path = ''] = request.target.split('?');
  const operation = codecs[protocol].operation(request.method, path);
  if (operation === null) throw new Error(`${protocol} has no operation at ${request.method} ${path}`);
  return operation;
};

const scanner = compileScanner(['email']);

const inspected = (exchange: Exchange) => {
  const { protocol, request } = exchange;
  const body = { bytes: bytesOf(request.body), contentType: request.contentType, rawHeaders: request.rawHeaders ?? [] };
  const call = {
    codec: codecs[protocol],
    operation: operationOf(exchange),
    body,
    assumeMaxTokens: null,
    opaque: false,
  };
  return inspect(call, scanner);
};

const optionsOf = (exchange: Exchange, masker: TextMasker) => ({
  codec: codecs[exchange.protocol],
  operation: operationOf(exchange),
  contentType: exchange.answer.contentType,
  masker,
  found: () => {},
  limit: 1_000_000,
});

const mask = (exchange: Exchange, chunks: readonly Buffer[], masker = wordMasker): Buffer => {
  const answer = createAnswerMask(optionsOf(exchange, masker));
  const out = chunks.flatMap((chunk) => answer.push(chunk));
  return Buffer.concat([...out, ...answer.end()]);
};

/** The documents of an answer: that of a plain one, or those of its events. */
const documentsOf = (exchange: Exchange, bytes: Buffer): unknown[] => {
  const { contentType } = exchange.answer;
  if (contentType.startsWith('audio/')) return [];
  const [type] = contentType.split(';');
  // Only a stream is an array that is sent item by item.
  if (type === 'application/json' && !exchange.expect.stream) return [JSON.parse(bytes.toString())];
  if (type === '') return [untyped(bytes.toString())];
  const kit = Object.values(FRAMING_KITS).find((framing) => framing.contentType.split(';')[0] === type);
  if (kit === undefined) throw new Error(`no framing has the type ${contentType}`);
  return kit
    .read(bytes)
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) => unwrapped(JSON.parse(data)));
};

/** TorchServe does not say what an answer is: a document if it can be one, a text if not. */
const untyped = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return { text: body };
  }
};

/** Bedrock carries the documents of vendors in base64. */
const unwrapped = (document: { readonly bytes?: string }): unknown =>
  typeof document.bytes === 'string' ? JSON.parse(Buffer.from(document.bytes, 'base64').toString()) : document;

const maskedJson = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) => (typeof value === 'string' ? maskWords(value) : value));

/** What no masked answer may hold, in whatever spelling. */
const SECRET = /anna(?:@|\\u0040)/;

const checkMasked = (exchange: Exchange, out: Buffer): void => {
  const before = documentsOf(exchange, bytesOf(exchange.answer.body));
  const after = documentsOf(exchange, out);
  for (const document of after) expect(JSON.stringify(document)).not.toMatch(SECRET);
  for (const place of exchange.expect.texts) {
    const [path = '', json] = place.split(':').toReversed();
    const was = textAt(before, path);
    expect(was).not.toBe('');
    if (json === undefined) expect(textAt(after, path)).toBe(maskWords(was));
    else expect(JSON.parse(textAt(after, path))).toEqual(maskedJson(was));
  }
};

const all = exchanges();

it('has exchanges', () => {
  expect(all.length).toBeGreaterThan(10);
});

describe.each(all)('$protocol $name', (exchange) => {
  const answer = bytesOf(exchange.answer.body);
  const { expect: expected } = exchange;

  it('is read as its client meant it', () => {
    const { facts } = inspected(exchange);
    expect(facts).toMatchObject({ operation: expected.operation, model: expected.model, stream: expected.stream });
  });

  it('goes on as the very bytes that came when no text is masked', () => {
    const { content } = inspected(exchange);
    if (content !== null) expect(maskContent(content, codecs[exchange.protocol], idleMasker, () => {})).toBeNull();
    const idle = optionsOf(exchange, idleMasker);
    for (let cut = 0; cut <= answer.length; cut++) {
      const chunks = [answer.subarray(0, cut), answer.subarray(cut)];
      if (expected.withholds !== true) expect(mask(exchange, chunks, idleMasker).equals(answer)).toBe(true);
      const observer = observeAnswer(idle);
      expect(Buffer.concat(chunks.flatMap((chunk) => observer.push(chunk))).equals(answer)).toBe(true);
    }
  });

  it('is masked like the whole of each text, the same for a cut at every byte', () => {
    const masked = mask(exchange, [answer]);
    checkMasked(exchange, masked);
    expect(mask(exchange, singleBytes(answer)).equals(masked)).toBe(true);
    for (let cut = 0; cut <= answer.length; cut++)
      expect(mask(exchange, [answer.subarray(0, cut), answer.subarray(cut)]).equals(masked)).toBe(true);
  });
});
