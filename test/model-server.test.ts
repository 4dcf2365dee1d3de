/** The scripted model server, seen by the real clients and by a bare socket. */

import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as answers from './support/model-answers.ts';
import { type ModelServer, startModelServer } from './support/model-server.ts';

let server: ModelServer;
let openai: OpenAI;
let anthropic: Anthropic;

beforeEach(async () => {
  server = await startModelServer();
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'k', maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: server.url, apiKey: 'k', maxRetries: 0 });
});
afterEach(() => server.close());

const user = [{ role: 'user' as const, content: 'Hi' }];

it('answers the openai client, whole and streamed', async () => {
  const whole = await openai.chat.completions.create({ model: 'm', messages: user });
  const parts: string[] = [];
  for await (const part of await openai.chat.completions.create({ model: 'm', messages: user, stream: true }))
    parts.push(part.choices[0]?.delta.content ?? '');
  const response = await openai.responses.create({ model: 'm', input: 'Hi' });
  const streamed = await openai.responses.stream({ model: 'm', input: 'Hi' }).finalResponse();
  const embedding = await openai.embeddings.create({ model: 'm', input: 'Hi', encoding_format: 'float' });
  const models = await openai.models.list();

  expect(whole.choices[0]?.message.content).toBe('Hello from the model.');
  expect(parts).toEqual(['', 'Hello', ' from', ' the', ' model.', '']);
  expect(response.output_text).toBe('Hello from the model.');
  expect(streamed.output_text).toBe('Hello from the model.');
  expect(embedding.data[0]?.embedding).toEqual([0.25, -0.5, 1]);
  expect(models.data.map((model) => model.id)).toEqual(['model-1']);
});

it('answers the anthropic client, whole and streamed', async () => {
  const ask = { model: 'm', max_tokens: 9, messages: user };
  const whole = await anthropic.messages.create(ask);
  const streamed = await anthropic.messages.stream(ask).finalText();
  expect(whole.content).toEqual([{ type: 'text', text: 'Hello from the model.' }]);
  expect(streamed).toBe('Hello from the model.');
});

it('calls tools in both protocols, arguments in pieces', async () => {
  server.next(
    answers.chatToolStream('look', ['{"at":', '"sky"}']),
    answers.chatTools({ name: 'look', arguments: '{}' }),
    answers.messageToolStream('look', ['{"at":', '"sky"}']),
  );
  const ask = { model: 'm', messages: user };
  const streamed = await openai.chat.completions.stream(ask).finalChatCompletion();
  const whole = await openai.chat.completions.create(ask);
  const message = await anthropic.messages.stream({ ...ask, max_tokens: 9 }).finalMessage();
  expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { arguments: '{"at":"sky"}' } });
  expect(whole.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'look', arguments: '{}' } });
  expect(message.content).toMatchObject([{ type: 'tool_use', name: 'look', input: { at: 'sky' } }]);
});

it('keeps each request as it arrived: target, field lines with their case, body, trailers', async () => {
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.end(
    'POST /v1/models?a=%2F HTTP/1.1\r\nHost: x\r\nX-CaSe: 1\r\nx-case: 2\r\nConnection: close\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n3\r\n\x00\x01\x02\r\n0\r\nDigest: d\r\n\r\n',
    'latin1',
  );
  const seen = await server.seen(0);
  await text(socket);
  expect(seen.method).toBe('POST');
  expect(seen.target).toBe('/v1/models?a=%2F');
  expect(seen.rawHeaders.slice(2, 6)).toEqual(['X-CaSe', '1', 'x-case', '2']);
  expect(() => seen.header('X-Case')).toThrow('2 field lines');
  expect(seen.body).toEqual(Buffer.from([0, 1, 2]));
  expect(seen.rawTrailers).toEqual(['Digest', 'd']);
  expect(seen.state).toBe('answered');
});

it('sends each step as a write of its own, so that cuts arrive where the script put them', async () => {
  const answer = answers.chatStream(['é', '😀']);
  server.next(answers.recut(answer, [7], 2));
  const response = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
  const chunks: Buffer[] = [];
  for await (const chunk of response.body!) chunks.push(Buffer.from(chunk));
  expect(Buffer.concat(chunks)).toEqual(answers.bodyOf(answer));
  expect(chunks[0]).toHaveLength(7);
  expect(chunks.length).toBeGreaterThan(answers.bodyOf(answer).length / 14);
});

it('sends trailers and field lines as the script wrote them', async () => {
  const headers = ['X-A', '1', 'x-A', '2', 'Date', 'then'];
  server.next({ status: 418, headers, steps: [{ send: 'tea' }], trailers: ['Digest', 'd'] });
  const answer = await raw(server, 'GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close\r\n\r\n');
  expect(answer).toContain('HTTP/1.1 418');
  expect(answer).toContain('X-A: 1\r\nx-A: 2\r\nDate: then\r\n');
  expect(answer).toContain('\r\n3\r\ntea\r\n0\r\nDigest: d\r\n\r\n');
});

it('writes raw answers without any framing of its own', async () => {
  server.next({
    status: 0,
    headers: [],
    framing: 'raw',
    steps: [{ send: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc' }],
  });
  const answer = await raw(server, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(answer).toBe('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
});

it('breaks off in the middle of an answer', async () => {
  server.next(answers.breakOff(answers.chatStream(['a', 'b']), 40));
  const response = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
  await expect(response.text()).rejects.toThrow();
});

it('knows when a client left, and when an answer ended', async () => {
  server.next({ status: 200, headers: [], steps: [{ send: 'a' }, { until: new Promise(() => {}) }] });
  const leaving = new AbortController();
  const left = fetch(server.url, { signal: leaving.signal }).then((response) => response.text());
  const seen = await server.seen(0);
  expect(seen.state).toBe('open');
  leaving.abort();
  await expect(left).rejects.toThrow();
  await server.ended(seen);
  expect(seen.state).toBe('aborted');
  expect(seen.endedAt).toBeGreaterThan(seen.arrivedAt);
});

it('says the error status that the script says', async () => {
  server.next(answers.failure(429, 'Slow down.'));
  await expect(openai.models.list()).rejects.toMatchObject({ status: 429, message: '429 Slow down.' });
});

async function raw({ url }: ModelServer, request: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(request, 'latin1');
  return text(socket);
}
