/** Text Generation Inference: its own API and OpenAI's beside it. (huggingface/text-generation-inference, docs/openapi.json) */

import type { JsonStep, RequestReading } from '../call.ts';
import { Failure } from '../reasons.ts';
import type { Codec, EventReading, StreamReader, Usage } from './codec.ts';
import { combine } from './combine.ts';
import { countIn } from './growing-strings.ts';
import { finiteNumber, flag, outputLimit, wholeNumber } from './numbers.ts';
import { openai } from './openai/openai.ts';
import { compileOperations, type Row } from './operations.ts';
import { sse } from './framing/sse.ts';
import { eventObject, NOTHING, THE_END, unknownEvent } from './framing/stream-shape.ts';
import { collectTexts, type TextRules } from './texts.ts';
import { toldError } from './told-error.ts';
import { isObject, itemsOf, member } from './value.ts';

const OPERATIONS: readonly Row[] = [
  { name: 'generate', method: 'POST', path: '/generate', body: 'json' },
  { name: 'generate-stream', method: 'POST', path: '/generate_stream', body: 'json' },
  // These two stream or not, as the body says.
  { name: 'invoke', method: 'POST', path: '/', body: 'json' },
  { name: 'invoke', method: 'POST', path: '/invocations', body: 'json' },
  { name: 'tokenize', method: 'POST', path: '/tokenize', body: 'json' },
  { name: 'info', method: 'GET', path: '/info', body: 'none' },
  { name: 'health', method: 'GET', path: '/health', body: 'none' },
  { name: 'metrics', method: 'GET', path: '/metrics', body: 'none', management: true },
];

const RULES: TextRules = {
  kind: () => 'text',
  role: (path, _, around) => (path.length === 1 ? (path[0] === 'inputs' ? 'user' : '') : around),
  attachment: () => null,
  holdsTokenIds: () => false,
};

const readRequest = (name: string, body: unknown): RequestReading => {
  if (!isObject(body))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  const parameters = member(body, 'parameters') ?? {};
  if (!isObject(parameters))
    throw new Failure('body-unreadable', 'expected parameters in an object', {
      detail: 'Expected parameters in an object.',
    });
  return {
    model: '',
    stream: name === 'generate-stream' || (name === 'invoke' && flag(body, 'stream')),
    maxTokens: outputLimit(parameters),
    n: Math.max(1, wholeNumber(parameters, 'best_of') ?? 1),
    temperature: finiteNumber(parameters, 'temperature'),
    tools: [],
    ...collectTexts(body, RULES),
  };
};

/** Of a whole answer or its last event; `/` answers in a list of one. */
const usageOf = (value: unknown): Usage | null => {
  const details = member(Array.isArray(value) ? itemsOf(value)[0] : value, 'details');
  const output = countIn(details, 'generated_tokens');
  if (output === null) return null;
  return { input: countIn(details, 'input_length') ?? itemsOf(member(details, 'prefill')).length, output };
};

const REPEATING: ReadonlySet<JsonStep> = new Set(['tokens', 'prefill', 'top_tokens']);

/** Returns true for what repeats the text token by token: as a list, or as the id of the token that an event brings. */
export const generationLeaks = (path: readonly JsonStep[]): boolean => {
  const last = path.at(-1);
  if (last === undefined) return false;
  return REPEATING.has(last) || (last === 'id' && path.length === 2 && path[0] === 'token');
};

const CHANNEL = 'text';

/** Each event brings a token; the last one repeats the whole text. */
export const generationStream = (): StreamReader => ({
  read(_event, value): EventReading {
    const object = eventObject(value);
    if (member(object, 'error') !== undefined) return THE_END;
    const text = member(object['token'], 'text');
    if (typeof text !== 'string') return { ...unknownEvent(object), usage: usageOf(object) };
    const isLast = typeof object['generated_text'] === 'string';
    return {
      ...NOTHING,
      deltas: [{ channel: CHANNEL, path: ['token', 'text'], text, kind: 'text' }],
      closes: isLast ? 'all' : [],
      usage: usageOf(object),
    };
  },
  delta: (_channel, text) => ({
    event: '',
    value: { token: { id: 0, text, logprob: 0, special: false }, generated_text: null, details: null },
  }),
});

const native: Codec = {
  protocol: 'tgi',
  about: {
    title: 'Text Generation Inference',
    operations: OPERATIONS,
    model: 'none; under `/v1` body `model`',
    reads: 'every string of a request and of an answer',
    limits: 'tokens and their ids are withheld from masked answers, since they repeat the text piece by piece',
    clients: [],
    witness: { kind: 'unproven' },
  },
  operation: compileOperations(OPERATIONS),
  request: ({ name }, value) => readRequest(name, value),
  usage: (_, value) => usageOf(value),
  kind: () => 'text',
  leaks: (_, path) => generationLeaks(path),
  framings: () => [sse],
  counts: () => '"generated_tokens"',
  stream: ({ name }) => (name === 'generate-stream' || name === 'invoke' ? generationStream() : null),
  // @huggingface/inference reads the errors of streams only when they have this type.
  refusalType: () => 'application/json',
  refusal: (refusal) => ({ error: toldError(refusal), error_type: refusal.reason }),
  streamFailure: (refusal) => ({ event: 'error', value: { error: toldError(refusal), error_type: refusal.reason } }),
};

/** The codec of a server that is Text Generation Inference. */
export const tgi: Codec = combine(
  'tgi',
  {
    ...native.about,
    operations: [...OPERATIONS, ...openai.about.operations],
    clients: [
      {
        name: '@huggingface/inference, huggingface_hub',
        url: 'http://HOST/NAME',
        token: '`accessToken`, with the URL as `endpointUrl`',
      },
      { name: 'openai', url: 'http://HOST/NAME/v1', token: '`api_key`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        'the official Node client (@huggingface/inference) against a server written after docs/openapi.json of the project',
      ],
    },
  },
  [native, openai],
);
