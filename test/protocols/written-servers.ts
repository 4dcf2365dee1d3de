/** Answers of servers that no package on npm plays, written after their published references. */

import type { ServerResponse } from 'node:http';
import { awsMessage } from '../kit/framed-events.ts';

/** Pieces of a text, seven characters each, as a model would send it. */
const piecesOf = (text: string): string[] => text.match(/.{1,7}/gsu) ?? [];

const anthropicEvents = (text: string): object[] => [
  {
    type: 'message_start',
    message: {
      id: 'msg_bdrk_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-1',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ...piecesOf(text).map((piece) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: piece },
  })),
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
  {
    type: 'message_stop',
    'amazon-bedrock-invocationMetrics': {
      inputTokenCount: 9,
      outputTokenCount: 7,
      invocationLatency: 300,
      firstByteLatency: 100,
    },
  },
];

/** Amazon Titan Text. (Bedrock user guide, "Amazon Titan Text models") */
const titanEvents = (text: string): object[] => {
  const pieces = piecesOf(text);
  return pieces.map((outputText, i) => ({
    outputText,
    index: 0,
    totalOutputTextTokenCount: i === pieces.length - 1 ? pieces.length : null,
    completionReason: i === pieces.length - 1 ? 'FINISH' : null,
    inputTextTokenCount: i === 0 ? 9 : null,
    ...(i === pieces.length - 1
      ? { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 9, outputTokenCount: pieces.length } }
      : {}),
  }));
};

/**
 * InvokeModelWithResponseStream: events `chunk` whose payload holds the vendor's document in base64, padded. (Bedrock API
 * reference, ResponseStream and PayloadPart)
 */
export const answerInvokeStream = (path: string, text: string, res: ServerResponse): void => {
  res.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
  const events = path.includes('titan') ? titanEvents(text) : anthropicEvents(text);
  const headers = { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' };
  for (const [i, event] of events.entries()) {
    const bytes = Buffer.from(JSON.stringify(event)).toString('base64');
    res.write(
      awsMessage(headers, JSON.stringify({ bytes, p: 'abcdefghijklmnopqrstuvwxyzABCDEF'.slice(0, (i * 7) % 32) })),
    );
  }
  res.end();
};

/** Text Generation Inference, `/generate_stream` and `/`. (docs/openapi.json: StreamResponse, GenerateResponse) */
export const answerTgi = (isStream: boolean, text: string, res: ServerResponse): void => {
  const pieces = piecesOf(text);
  if (!isStream) {
    const tokens = pieces.map((piece, id) => ({ id, text: piece, logprob: -0.5, special: false }));
    const details = { finish_reason: 'eos_token', generated_tokens: pieces.length, seed: null, prefill: [], tokens };
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify([{ generated_text: text, details }]));
    return;
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [i, piece] of pieces.entries()) {
    const isLast = i === pieces.length - 1;
    const token = { id: 100 + i, text: piece, logprob: -0.5, special: false };
    const details = { finish_reason: 'eos_token', generated_tokens: pieces.length, seed: null, input_length: 5 };
    const event = { index: i + 1, token, generated_text: isLast ? text : null, details: isLast ? details : null };
    res.write(`data:${JSON.stringify(event)}\n\n`);
  }
  res.end();
};

/** Gemini, `batchEmbedContents`: one embedding for each request. (Gemini API reference, BatchEmbedContentsResponse) */
export const answerBatchEmbed = (body: Buffer, res: ServerResponse): void => {
  const { requests }: { requests: unknown[] } = JSON.parse(body.toString());
  res.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
  res.end(JSON.stringify({ embeddings: requests.map((_, i) => ({ values: [0.5, i / 4] })) }));
};
