/** The model servers that the clients of the tests talk to, and what passes between them. */

import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { LLMock } from '@copilotkit/aimock';
import { answerBatchEmbed, answerInvokeStream, answerTgi } from './written-servers.ts';

/** What the model says when it is asked who can help: something to mask, split over events, and something to escape. */
const SAYS = 'Write to anna@example.com, she "knows" it. 🙂';

/**
 * Starts a server that speaks the protocols of many providers and knows what the scenarios ask: aimock, but for what is
 * in written-servers.ts.
 */
export async function startProvider(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1' });
  const how = { chunkSize: 7 };
  mock.onMessage(/help/, { content: SAYS }, how);
  mock.onMessage(/mail/, { toolCalls: [{ name: 'mail', arguments: { to: 'anna@example.com', n: 1 } }] }, how);
  mock.onTranscription({ transcription: { text: SAYS } });
  mock.onSpeech(/help/, { audio: Buffer.from('ID3\x04\0\xff').toString('base64') });
  mock.onImage(/help/, { image: { b64Json: 'iVBORw0KGgo=', revisedPrompt: SAYS } });
  mock.onEmbedding(/help/, { embedding: [0.5, 0.25] });
  const aimock = await mock.start();
  const server = createServer((req, res) => {
    const path = req.url ?? '';
    if (path.endsWith('/invoke-with-response-stream')) return answerInvokeStream(path, SAYS, res);
    void (async () => {
      const body = await buffer(req);
      if (path === '/' || path === '/generate_stream') return answerTgi(body.includes('"stream":true'), SAYS, res);
      if (path.includes(':batchEmbedContents')) return answerBatchEmbed(body, res);
      const answer = await answerTo(`${aimock}${path}`, req, body);
      res.writeHead(answer.statusCode ?? 0, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
      answer.pipe(res);
    })();
  });
  const url = await listening(server);
  return {
    url,
    stop: async () => {
      server.close();
      await mock.stop();
    },
  };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return `http://127.0.0.1:${address.port}`;
}

/** A request and its answer as they went over the wire. */
export interface Wire {
  readonly method: string;
  readonly target: string;
  readonly requestType: string;
  readonly requestBody: Buffer;
  readonly status: number;
  readonly answerType: string;
  readonly answerBody: Buffer;
}

const answerTo = (url: string, { method, headers }: IncomingMessage, body: Buffer): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const up = request(url, { method, headers: { ...headers, 'accept-encoding': 'identity' } });
    up.on('response', resolve).on('error', reject).end(body);
  });

/** Starts a proxy that keeps what passes it. */
export async function startTap(
  upstream: string,
): Promise<{ readonly url: string; readonly seen: Wire[]; readonly stop: () => void }> {
  const seen: Wire[] = [];
  const server = createServer((req, res) => {
    void (async () => {
      const requestBody = await buffer(req);
      const answer = await answerTo(`${upstream}${req.url}`, req, requestBody);
      const answerBody = await buffer(answer);
      seen.push({
        method: req.method ?? '',
        target: req.url ?? '',
        requestType: req.headers['content-type'] ?? '',
        requestBody,
        status: answer.statusCode ?? 0,
        answerType: answer.headers['content-type'] ?? '',
        answerBody,
      });
      res.writeHead(answer.statusCode ?? 0, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
      res.end(answerBody);
    })();
  });
  return { url: await listening(server), seen, stop: () => void server.close() };
}
