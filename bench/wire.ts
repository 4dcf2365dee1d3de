/**
 * `npm run bench -- wire`: what it costs to read a request strictly into facts, and to mask one event of a stream, with
 * the detectors and without them.
 */

import { scannerOf } from '../test/kit/scanner-of.ts';
import { compileScanner, ENTITIES, type Scanner } from '../src/detect/scanner.ts';
import { inspect } from '../src/inspect/inspect.ts';
import { createAnswerMask } from '../src/mask/answer.ts';
import { compileTextMasker, type TextMasker } from '../src/mask/text-masker.ts';
import { codecs, type Protocol } from '../src/protocol/codecs.ts';
import { readJson } from '../src/protocol/json/json.ts';
import { idleMasker } from '../test/kit/word-masker.ts';
import type { BenchOptions } from './bench.ts';

/** Microseconds, the best of some rounds. */
export interface WireReport {
  /** A chat request of 1 KB. */
  readonly request: Readonly<Record<string, number>>;
  /** One event of a stream, by kind of stream: [with every detector, with none]. */
  readonly event: Readonly<Record<string, readonly [number, number]>>;
}

const WORDS = 'the gateway keeps what it saw and says why while engineers review careful documentation about it'.split(
  ' ',
);
const TOKENS = WORDS.map((word) => ` ${word}`);

const BODY = Buffer.from(
  JSON.stringify({
    model: 'm',
    messages: [
      { role: 'system', content: 'You are a helpful assistant. '.repeat(12) },
      { role: 'user', content: 'Tell me about the weather in Paris, '.repeat(15) },
    ],
    stream: true,
    max_tokens: 256,
    temperature: 0.7,
  }),
);

interface Stream {
  readonly protocol: Protocol;
  readonly operation: string;
  readonly event: (text: string, i: number) => string;
}

const chunk = (text: string, rest: object = {}): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-AbCdEf123',
    object: 'chat.completion.chunk',
    created: 1719792000,
    model: 'm',
    choices: [{ index: 0, delta: { content: text }, logprobs: null, finish_reason: null }],
    ...rest,
  })}\n\n`;

const typed = (type: string, rest: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;

const STREAMS: Readonly<Record<string, Stream>> = {
  chat: { protocol: 'openai', operation: 'chat', event: (text) => chunk(text) },
  'chat, padded': {
    protocol: 'openai',
    operation: 'chat',
    event: (text, i) => chunk(text, { usage: null, obfuscation: `aB${i}` }),
  },
  // Something else changes in every event: each is parsed and rendered, none is recognised.
  'chat, no two alike': { protocol: 'openai', operation: 'chat', event: (text, i) => chunk(text, { latency: i }) },
  responses: {
    protocol: 'openai',
    operation: 'responses',
    event: (delta, sequence_number) =>
      typed('response.output_text.delta', {
        sequence_number,
        item_id: 'msg_68a1',
        output_index: 0,
        content_index: 0,
        delta,
        logprobs: [],
      }),
  },
  messages: {
    protocol: 'anthropic',
    operation: 'messages',
    event: (text) => typed('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  },
};

const bestOf = (rounds: number, count: number, step: () => void): number => {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    for (let i = 0; i < count; i++) step();
    best = Math.min(best, ((performance.now() - began) * 1000) / count);
  }
  return Math.round(best * 100) / 100;
};

const pass = ({ protocol, operation }: Stream, masker: TextMasker, events: readonly Buffer[]): void => {
  const mask = createAnswerMask({
    codec: codecs[protocol],
    operation: { name: operation, body: 'json' },
    contentType: 'text/event-stream',
    masker,
    found: () => {},
    limit: 1024 ** 2,
  });
  for (const event of events) mask.push(event);
};

const facts = (scanner: Scanner): void => {
  const operation = { name: 'chat', body: 'json' } as const;
  inspect(
    {
      codec: codecs.openai,
      operation,
      body: { bytes: BODY, contentType: 'application/json', rawHeaders: [] },
      assumeMaxTokens: null,
      opaque: false,
    },
    scanner,
  );
};

/** Measures, says and returns what the wire costs. */
export async function run({ quick, say }: BenchOptions): Promise<WireReport> {
  const entities = ENTITIES.map(({ name }) => name);
  const masker = compileTextMasker([{ entities, with: 'replace' }], new Uint8Array(32));
  const scanner = compileScanner(entities);
  const rounds = quick ? 3 : 9;
  const request = {
    'strict reading': bestOf(rounds, 20_000, () => readJson(BODY)),
    'with facts': bestOf(rounds, 20_000, () => facts(scannerOf(() => []))),
    'with every detector': bestOf(rounds, 20_000, () => facts(scanner)),
  };
  const event: Record<string, readonly [number, number]> = {};
  for (const [name, stream] of Object.entries(STREAMS)) {
    const events = Array.from({ length: 200 }, (_, i) =>
      Buffer.from(stream.event(TOKENS[i % TOKENS.length] ?? '', i + 10)),
    );
    const perEvent = (with_: TextMasker): number =>
      Math.round((bestOf(rounds, 100, () => pass(stream, with_, events)) / events.length) * 100) / 100;
    event[name] = [perEvent(masker), perEvent(idleMasker)];
  }
  for (const [name, cost] of Object.entries(request)) say(`  request of ${BODY.length} bytes, ${name}: ${cost} µs`);
  for (const [name, [full, idle]] of Object.entries(event))
    say(`  event of ${name}: ${full} µs with every detector, ${idle} µs with none`);
  return { request, event };
}
