/** What the scripted model server can say: the answers of the OpenAI and Anthropic APIs, whole and streamed. */

import type { Answer, SeenRequest, Step } from './model-server.ts';

const MODEL = 'model-1';
const CREATED = 1_700_000_000;
const JSON_TYPE = ['Content-Type', 'application/json'] as const;
const SSE_TYPE = ['Content-Type', 'text/event-stream; charset=utf-8', 'Cache-Control', 'no-cache'] as const;

/** How a streamed answer leaves: `pause` milliseconds ahead of every event. */
export interface Pace {
  readonly pause?: number;
}

const steps = (sends: readonly string[], { pause = 0 }: Pace): readonly Step[] =>
  sends.flatMap((send): Step[] => (pause === 0 ? [{ send }] : [{ wait: pause }, { send }]));

/** Returns an answer of one JSON document with its Content-Length. */
export function json(value: unknown, status = 200): Answer {
  const send = Buffer.from(JSON.stringify(value));
  return { status, headers: [...JSON_TYPE, 'Content-Length', String(send.length)], steps: [{ send }] };
}

/** Returns a stream whose events leave in one write each; `events` are whole, with their blank lines. */
function sse(events: readonly string[], pace: Pace = {}): Answer {
  return { status: 200, headers: SSE_TYPE, steps: steps(events, pace) };
}

/** Returns the text of one event. */
const event = (value: unknown, name = ''): string =>
  `${name === '' ? '' : `event: ${name}\n`}data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;

/** Returns the same answer with its bytes cut anew: `sizes` in turn, over and over, a write each, with a pause ahead. */
export function recut(answer: Answer, sizes: readonly number[], pause = 0): Answer {
  const bytes = bodyOf(answer);
  const sends: Step[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? bytes.length);
    if (pause > 0) sends.push({ wait: pause });
    sends.push({ send: bytes.subarray(at, at + size) });
    at += size;
  }
  return { ...answer, steps: sends };
}

/** Returns the same answer, broken off after `bytes` of its body. */
export function breakOff(answer: Answer, bytes: number): Answer {
  return { ...answer, steps: [{ send: bodyOf(answer).subarray(0, bytes) }, { wait: 5 }, { cut: true }] };
}

/** Returns all body bytes of an answer. */
export const bodyOf = (answer: Answer): Buffer =>
  Buffer.concat(answer.steps.flatMap((step) => ('send' in step ? [Buffer.from(step.send)] : [])));

/** Returns an error as OpenAI's API words it. */
export const failure = (status: number, message: string): Answer =>
  json({ error: { message, type: 'server_error', param: null, code: null } }, status);

// OpenAI chat completions

const chatHead = { id: 'chatcmpl-1', created: CREATED, model: MODEL, system_fingerprint: 'fp_1' };
const chatUsage = (output: number) => ({ prompt_tokens: 9, completion_tokens: output, total_tokens: 9 + output });

/** One call of a tool by the model; `arguments` is JSON text. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: string;
}

/** Returns a whole chat completion; several texts are several choices. */
export function chat(...texts: readonly string[]): Answer {
  const choices = texts.map((content, index) => ({
    index,
    message: { role: 'assistant', content, refusal: null },
    logprobs: null,
    finish_reason: 'stop',
  }));
  return json({ ...chatHead, object: 'chat.completion', choices, usage: chatUsage(texts.length) });
}

/** Returns a whole chat completion that calls tools. */
export function chatTools(...calls: readonly ToolCall[]): Answer {
  const tool_calls = calls.map((call, i) => ({ id: `call_${i}`, type: 'function', function: call }));
  const message = { role: 'assistant', content: null, refusal: null, tool_calls };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'tool_calls' }];
  return json({ ...chatHead, object: 'chat.completion', choices, usage: chatUsage(1) });
}

const chunk = (choices: readonly unknown[], more: object = {}): string =>
  event({ ...chatHead, object: 'chat.completion.chunk', choices, ...more });

const choice = (delta: object, finish_reason: string | null = null) => ({
  index: 0,
  delta,
  logprobs: null,
  finish_reason,
});

const chatEnd = (reason: string, usage: boolean): readonly string[] => [
  chunk([choice({}, reason)]),
  ...(usage ? [chunk([], { usage: chatUsage(1) })] : []),
  event('[DONE]'),
];

/** Returns a streamed chat completion, an event a piece; with `usage`, the usage event before the end. */
export function chatStream(pieces: readonly string[], options: Pace & { readonly usage?: boolean } = {}): Answer {
  const begin = chunk([choice({ role: 'assistant', content: '' })]);
  const texts = pieces.map((content) => chunk([choice({ content })]));
  return sse([begin, ...texts, ...chatEnd('stop', options.usage ?? false)], options);
}

/** Returns a streamed chat completion that calls one tool, its arguments in pieces. */
export function chatToolStream(name: string, argumentPieces: readonly string[], pace: Pace = {}): Answer {
  const call = (fields: object) => chunk([choice({ tool_calls: [{ index: 0, ...fields }] })]);
  const role = chunk([choice({ role: 'assistant', content: null })]);
  const begin = call({ id: 'call_0', type: 'function', function: { name, arguments: '' } });
  const args = argumentPieces.map((piece) => call({ function: { arguments: piece } }));
  return sse([role, begin, ...args, ...chatEnd('tool_calls', false)], pace);
}

/** Returns one embedding per input. */
function embeddings(...vectors: readonly (readonly number[])[]): Answer {
  const data = vectors.map((embedding, index) => ({ object: 'embedding', index, embedding }));
  return json({ object: 'list', data, model: MODEL, usage: { prompt_tokens: 9, total_tokens: 9 } });
}

// OpenAI responses

const responsesItem = (text: string, status = 'completed') => ({
  id: 'msg_1',
  type: 'message',
  status,
  role: 'assistant',
  content: status === 'completed' ? [part(text)] : [],
});

const responsesDocument = (output: readonly unknown[], status: string) => ({
  id: 'resp_1',
  object: 'response',
  created_at: CREATED,
  status,
  error: null,
  incomplete_details: null,
  model: MODEL,
  output,
  usage: status === 'completed' ? { input_tokens: 9, output_tokens: 3, total_tokens: 12 } : null,
});

/** Returns a whole answer of the responses API. */
export const responses = (text: string): Answer => json(responsesDocument([responsesItem(text)], 'completed'));

const part = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });
const item = (value: object) => ({ output_index: 0, item: value });

/** Returns a streamed answer of the responses API: the deltas, then the whole text again as that API repeats it. */
export function responsesStream(pieces: readonly string[], pace: Pace = {}): Answer {
  const text = pieces.join('');
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const events: readonly (readonly [string, object])[] = [
    ['response.created', { response: responsesDocument([], 'in_progress') }],
    ['response.output_item.added', item(responsesItem('', 'in_progress'))],
    ['response.content_part.added', { ...place, part: part('') }],
    ...pieces.map((delta) => ['response.output_text.delta', { ...place, delta, logprobs: [] }] as const),
    ['response.output_text.done', { ...place, text, logprobs: [] }],
    ['response.content_part.done', { ...place, part: part(text) }],
    ['response.output_item.done', item(responsesItem(text))],
    ['response.completed', { response: responsesDocument([responsesItem(text)], 'completed') }],
  ];
  return sse(
    events.map(([type, value], i) => event({ type, sequence_number: i, ...value }, type)),
    pace,
  );
}

// Anthropic messages

const messageHead = { id: 'msg_1', type: 'message', role: 'assistant', model: MODEL };

const messageDocument = (content: readonly object[], stop_reason: string): object => ({
  ...messageHead,
  content,
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 3 },
});

/** Returns a whole Anthropic message. */
export const message = (text: string): Answer => json(messageDocument([{ type: 'text', text }], 'end_turn'));

const blockStream = (block: object, deltas: readonly object[], stop_reason: string, pace: Pace): Answer => {
  const begin = { ...messageHead, content: [], stop_reason: null, stop_sequence: null };
  const events: readonly (readonly [string, object])[] = [
    ['message_start', { message: { ...begin, usage: { input_tokens: 9, output_tokens: 1 } } }],
    ['content_block_start', { index: 0, content_block: block }],
    ['ping', {}],
    ...deltas.map((delta) => ['content_block_delta', { index: 0, delta }] as const),
    ['content_block_stop', { index: 0 }],
    ['message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 3 } }],
    ['message_stop', {}],
  ];
  return sse(
    events.map(([type, value]) => event({ type, ...value }, type)),
    pace,
  );
};

/** How a content block of a stream begins and what grows in it, a delta a piece of seven characters. */
function grown(block: Readonly<Record<string, unknown>>): { begin: object; deltas: readonly object[] } {
  const pieces = (text: string): readonly string[] => text.match(/[^]{1,7}/g) ?? [];
  const { type, thinking, signature, text, input, ...rest } = block;
  if (type === 'thinking')
    return {
      begin: { type, thinking: '', signature: '' },
      deltas: [
        ...pieces(String(thinking)).map((piece) => ({ type: 'thinking_delta', thinking: piece })),
        { type: 'signature_delta', signature },
      ],
    };
  if (type === 'tool_use')
    return {
      begin: { type, ...rest, input: {} },
      deltas: pieces(JSON.stringify(input)).map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
    };
  return {
    begin: { type, text: '' },
    deltas: pieces(String(text)).map((piece) => ({ type: 'text_delta', text: piece })),
  };
}

/** Returns a streamed Anthropic message of these content blocks. */
export function messageEvents(content: readonly Readonly<Record<string, unknown>>[], stop_reason: string): Answer {
  const head = { ...messageHead, content: [], stop_reason: null, stop_sequence: null };
  const events: readonly (readonly [string, object])[] = [
    ['message_start', { message: { ...head, usage: { input_tokens: 9, output_tokens: 1 } } }],
    ...content.flatMap((block, index): (readonly [string, object])[] => {
      const { begin, deltas } = grown(block);
      return [
        ['content_block_start', { index, content_block: begin }],
        ...deltas.map((delta) => ['content_block_delta', { index, delta }] as const),
        ['content_block_stop', { index }],
      ];
    }),
    ['message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 3 } }],
    ['message_stop', {}],
  ];
  return sse(events.map(([type, value]) => event({ type, ...value }, type)));
}

/** Returns a streamed Anthropic message, a text delta a piece. */
export const messageStream = (pieces: readonly string[], pace: Pace = {}): Answer =>
  blockStream(
    { type: 'text', text: '' },
    pieces.map((text) => ({ type: 'text_delta', text })),
    'end_turn',
    pace,
  );

/** Returns a streamed Anthropic message that uses one tool, its input JSON in pieces. */
export const messageToolStream = (name: string, inputPieces: readonly string[], pace: Pace = {}): Answer =>
  blockStream(
    { type: 'tool_use', id: 'toolu_1', name, input: {} },
    inputPieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    'tool_use',
    pace,
  );

// What is said when no script says otherwise

const HELLO = ['Hello', ' from', ' the', ' model.'] as const;

const models = json({ object: 'list', data: [{ id: MODEL, object: 'model', created: CREATED, owned_by: 'tests' }] });

/** Returns the usual answer to a request: a greeting in the words of the operation asked for, streamed when asked. */
export function standardAnswer(request: SeenRequest): Answer {
  const streams = /"stream"\s*:\s*true/.test(request.body.toString('latin1'));
  const [path] = request.target.split('?');
  const hello = HELLO.join('');
  switch (`${request.method} ${path}`) {
    case 'GET /v1/models':
      return models;
    case 'POST /v1/chat/completions':
      return streams ? chatStream(HELLO) : chat(hello);
    case 'POST /v1/responses':
      return streams ? responsesStream(HELLO) : responses(hello);
    case 'POST /v1/embeddings':
      return embeddings([0.25, -0.5, 1]);
    case 'POST /v1/messages':
      return streams ? messageStream(HELLO) : message(hello);
    default:
      return failure(404, 'Not found.');
  }
}
