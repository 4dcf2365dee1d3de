/**
 * What is sent and answered: chat calls of the size that the Azure LLM inference trace 2023 shows for conversations
 * (median 1,020 tokens in, 129 out; CC-BY, Azure/AzurePublicDataset), at four bytes a token.
 */

const BYTES_PER_TOKEN = 4;

/** The two findings in every answer. Both are test values: the domain is reserved, the card is the networks' own example. */
export const EMAIL = 'maria.lindqvist@example.com';
export const CARD = '4111 1111 1111 1111';

/** A kind of call. */
export interface Variant {
  readonly name: string;
  readonly title: string;
  /** Bytes of text in the request. */
  readonly textBytes: number;
  readonly stream: boolean;
}

const INPUT_TOKENS = 1020;
const OUTPUT_TOKENS = 129;

/** The kinds of calls that are measured, the headline first. */
export const VARIANTS: readonly Variant[] = [
  {
    name: 'conversation',
    title: `${INPUT_TOKENS} tokens in, ${OUTPUT_TOKENS} out, plain JSON`,
    textBytes: INPUT_TOKENS * BYTES_PER_TOKEN,
    stream: false,
  },
  {
    name: 'conversation-stream',
    title: `${INPUT_TOKENS} tokens in, ${OUTPUT_TOKENS} out as ${OUTPUT_TOKENS} server-sent events`,
    textBytes: INPUT_TOKENS * BYTES_PER_TOKEN,
    stream: true,
  },
  { name: 'small', title: 'a request of 1.1 KB, plain JSON', textBytes: 800, stream: false },
];

const WORDS =
  `the a model answer please about quarter report customer summary explain delivery with between and for result
  release engine morning station paper harbour quietly measured value because could table return after context
  difference window however careful number yellow garden letter system question review draft point under`.split(/\s+/);

/** Returns numbers from 0 to 1, the same for the same seed (mulberry32), so that every run sends the same texts. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function prose(bytes: number, seed: number): string {
  const next = random(seed);
  let text = '';
  while (text.length < bytes) text += `${WORDS[Math.floor(next() * WORDS.length)]}${next() < 0.08 ? '. ' : ' '}`;
  return text.slice(0, bytes);
}

/** Returns the body of a chat call: a system prompt, two earlier turns and a question, as chat clients send it. */
export function requestBody(variant: Variant): Buffer {
  const part = (share: number, seed: number): string => prose(Math.round(variant.textBytes * share), seed);
  return Buffer.from(
    JSON.stringify({
      model: 'gpt-4o-mini',
      messages: [
        { role: 'system', content: part(0.2, 1) },
        { role: 'user', content: part(0.25, 2) },
        { role: 'assistant', content: part(0.35, 3) },
        { role: 'user', content: part(0.2, 4) },
      ],
      max_tokens: 512,
      temperature: 0.7,
      stream: variant.stream,
    }),
  );
}

const answerText = (): string => {
  const findings = ` Write to ${EMAIL} and charge ${CARD}, then `;
  const around = OUTPUT_TOKENS * BYTES_PER_TOKEN - findings.length;
  return prose(Math.floor(around / 2), 5) + findings + prose(Math.ceil(around / 2), 6);
};

const HEAD = { id: 'chatcmpl-9f8a7b6c5d4e3f2a1b0c', created: 1_700_000_000, model: 'gpt-4o-mini-2024-07-18' };

/** Returns the JSON document that answers a plain call. */
export function plainAnswer(): string {
  const message = { role: 'assistant', content: answerText(), refusal: null };
  return JSON.stringify({
    ...HEAD,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: INPUT_TOKENS,
      completion_tokens: OUTPUT_TOKENS,
      total_tokens: INPUT_TOKENS + OUTPUT_TOKENS,
    },
    system_fingerprint: 'fp_44709d6fcb',
  });
}

const event = (delta: object, finish_reason: string | null): string =>
  `data: ${JSON.stringify({
    ...HEAD,
    object: 'chat.completion.chunk',
    system_fingerprint: 'fp_44709d6fcb',
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  })}\n\n`;

/** Returns the server-sent events that answer a streamed call: one a token, so that both findings straddle several. */
export function streamedAnswer(): readonly string[] {
  const text = answerText();
  const cut = (i: number): number => Math.round((i * text.length) / OUTPUT_TOKENS);
  const pieces = Array.from({ length: OUTPUT_TOKENS }, (_, i) => text.slice(cut(i), cut(i + 1)));
  return [
    event({ role: 'assistant', content: '' }, null),
    ...pieces.map((content) => event({ content }, null)),
    event({}, 'stop'),
    'data: [DONE]\n\n',
  ];
}
