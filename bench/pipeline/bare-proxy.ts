/**
 * The yardstick: the least that a reverse proxy in Node does. One process, one thread, node:http in front, the
 * gateway's own undici behind, answers passed on as they come with backpressure, hop-by-hop fields dropped. It knows no
 * caller, looks at nothing and records nothing.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import process from 'node:process';
import { Pool } from 'undici';

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade', 'host', 'expect']);

const [upstream = ''] = process.argv.slice(2);
const pool = new Pool(upstream, { connections: 256, headersTimeout: 0, bodyTimeout: 0 });

function endToEnd(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, fields[i + 1]!);
  }
  return kept;
}

const texts = (raw: readonly (Buffer | string)[]): string[] =>
  raw.map((field) => (typeof field === 'string' ? field : field.toString('latin1')));

/** Reads the request whole, then sends it: cheaper than a pipe for bodies of a few KB, and what nginx does too. */
function proxy(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => send(request, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), response));
}

function send(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  pool.dispatch(
    {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: endToEnd(request.rawHeaders),
      body: body.length === 0 ? null : body,
    },
    {
      onRequestStart(controller) {
        response.on('close', () => {
          if (!response.writableFinished) controller.abort(new Error('the client left'));
        });
      },
      onResponseStart(controller, status) {
        const raw = controller.rawHeaders;
        response.writeHead(status, Array.isArray(raw) ? endToEnd(texts(raw)) : []);
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return;
        controller.pause();
        response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => void response.end(),
      onResponseError(_, error) {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end(error.message);
      },
    },
  );
}

const server = createServer(proxy);
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ address: server.address() }));
