/**
 * A model of llama's architecture in GGUF: small, random, good for nothing but being served. (ggml-org/ggml, docs/gguf.md)
 * Its words are single bytes and a few letters more, so that what it says is split as finely as can be.
 */

import { endianness } from 'node:os';

/** Types of metadata values, by their numbers in the file. */
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;

/** Types of tokens. (llama.cpp, enum llama_token_type) */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

const ALIGNMENT = 32;
const WIDTH = 64;
const HEADS = 4;
const KEYS = 2;
const LAYERS = 2;
const FEED = 128;
const CONTEXT = 131_072;
/** How a conversation is written down. (Jinja, as llama-server reads it) */
const TEMPLATE = [
  "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}\n{% endfor %}",
  '{% if add_generation_prompt %}<|assistant|>\n{% endif %}',
].join('');

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);

interface Token {
  readonly text: string;
  readonly type: number;
  readonly score: number;
}

const control = (name: string): Token => ({ text: name, type: CONTROL, score: 0 });
const VOCABULARY: readonly Token[] = [
  { text: '<unk>', type: UNKNOWN, score: 0 },
  control('<s>'),
  control('</s>'),
  // what /infill asks a model for
  ...['<PRE>', '<SUF>', '<MID>'].map(control),
  ...Array.from({ length: 256 }, (_, byte): Token => {
    const hex = byte.toString(16).toUpperCase().padStart(2, '0');
    return { text: `<0x${hex}>`, type: BYTE, score: 0 };
  }),
  ...Array.from(
    { length: 94 },
    (_, i): Token => ({ text: String.fromCodePoint(33 + i), type: NORMAL, score: -i - 100 }),
  ),
  { text: '\u2581', type: NORMAL, score: -99 },
];

const metadata = (): Buffer[] => {
  const entry = (key: string, type: number, value: Buffer): Buffer => Buffer.concat([text(key), u32(type), value]);
  const list = (key: string, type: number, items: readonly Buffer[]): Buffer =>
    entry(key, ARRAY, Buffer.concat([u32(type), u64(items.length), ...items]));
  const number = (key: string, value: number): Buffer => entry(key, UINT32, u32(value));
  return [
    entry('general.architecture', STRING, text('llama')),
    entry('general.name', STRING, text('tiny')),
    number('llama.context_length', CONTEXT),
    number('llama.embedding_length', WIDTH),
    number('llama.block_count', LAYERS),
    number('llama.feed_forward_length', FEED),
    number('llama.attention.head_count', HEADS),
    number('llama.attention.head_count_kv', KEYS),
    entry('llama.attention.layer_norm_rms_epsilon', FLOAT32, f32(1e-5)),
    number('llama.rope.dimension_count', WIDTH / HEADS),
    number('llama.vocab_size', VOCABULARY.length),
    entry('tokenizer.ggml.model', STRING, text('llama')),
    list(
      'tokenizer.ggml.tokens',
      STRING,
      VOCABULARY.map((token) => text(token.text)),
    ),
    list(
      'tokenizer.ggml.scores',
      FLOAT32,
      VOCABULARY.map((token) => f32(token.score)),
    ),
    list(
      'tokenizer.ggml.token_type',
      INT32,
      VOCABULARY.map((token) => u32(token.type)),
    ),
    number('tokenizer.ggml.unknown_token_id', 0),
    number('tokenizer.ggml.bos_token_id', 1),
    number('tokenizer.ggml.eos_token_id', 2),
    number('tokenizer.ggml.fim_pre_token_id', 3),
    number('tokenizer.ggml.fim_suf_token_id', 4),
    number('tokenizer.ggml.fim_mid_token_id', 5),
    entry('tokenizer.ggml.add_bos_token', BOOL, Buffer.from([1])),
    entry('tokenizer.chat_template', STRING, text(TEMPLATE)),
  ];
};

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Buffer;
}

/** Returns numbers between -0.3 and 0.3, always the same ones: a congruential generator (Numerical Recipes, §7.1). */
const noise = (): (() => number) => {
  let state = 1;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return (state / 2 ** 32 - 0.5) * 0.6;
  };
};

const tensors = (): Tensor[] => {
  const next = noise();
  const of = (name: string, shape: readonly number[], fill = next): Tensor => {
    const values = Float32Array.from({ length: shape.reduce((all, size) => all * size, 1) }, fill);
    return { name: `${name}.weight`, shape, data: Buffer.from(values.buffer) };
  };
  const one = (): number => 1;
  const small = (WIDTH / HEADS) * KEYS;
  const layers = Array.from({ length: LAYERS }, (_, i) => [
    of(`blk.${i}.attn_norm`, [WIDTH], one),
    of(`blk.${i}.attn_q`, [WIDTH, WIDTH]),
    of(`blk.${i}.attn_k`, [WIDTH, small]),
    of(`blk.${i}.attn_v`, [WIDTH, small]),
    of(`blk.${i}.attn_output`, [WIDTH, WIDTH]),
    of(`blk.${i}.ffn_norm`, [WIDTH], one),
    of(`blk.${i}.ffn_gate`, [WIDTH, FEED]),
    of(`blk.${i}.ffn_up`, [WIDTH, FEED]),
    of(`blk.${i}.ffn_down`, [FEED, WIDTH]),
  ]);
  return [
    of('token_embd', [WIDTH, VOCABULARY.length]),
    ...layers.flat(),
    of('output_norm', [WIDTH], one),
    of('output', [WIDTH, VOCABULARY.length]),
  ];
};

/** Returns the bytes of the model, about 500 KB; the same every time. */
export const tinyGguf = (): Buffer => {
  if (endianness() !== 'LE') throw new Error('expected a machine that keeps numbers as the file does');
  const all = tensors();
  const entries = metadata();
  let offset = 0;
  const infos = all.map(({ name, shape, data }) => {
    const info = Buffer.concat([text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(offset)]);
    offset += padded(data).length;
    return info;
  });
  const head = [Buffer.from('GGUF'), u32(3), u64(all.length), u64(entries.length), ...entries, ...infos];
  return Buffer.concat([padded(Buffer.concat(head)), ...all.map(({ data }) => padded(data))]);
};
