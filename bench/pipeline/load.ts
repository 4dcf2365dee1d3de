/**
 * The load generator, a process of its own: a fixed number of connections, each with one call under way at a time
 * (closed loop), bare sockets and requests rendered once, so that it costs little beside what it measures. Every
 * latency is kept exactly. Every answer's status is checked; one in 64 is read and its content checked.
 */

import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { CARD, EMAIL, requestBody, VARIANTS } from './payload.ts';
import { bodyOf, readMessage, statusOf } from './wire.ts';

/** What the generator is asked to do. */
export interface LoadOrder {
  readonly variant: string;
  readonly port: number;
  readonly path: string;
  /** Field lines beside Host, Content-Type, Content-Length and Authorization; each ends with CRLF. */
  readonly fields: string;
  /** Bearer tokens, used in turn. */
  readonly tokens: readonly string[];
  readonly connections: number;
  /** No call is sent after so many milliseconds, or so many calls. */
  readonly millis: number;
  readonly calls: number;
  /** What the content of answers must be: with the two findings, or without them. */
  readonly expect: 'plain' | 'masked';
}

/** What came of it. */
export interface LoadResult {
  /** Calls sent; every one of them ended before the result was told. */
  readonly calls: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** What was wrong with answers: kind → count. Empty when nothing was. */
  readonly wrong: Readonly<Record<string, number>>;
}

const READ_ONE_IN = 64;
const ANSWER_WITHIN_MS = 20_000;

/** Requests as bytes, by everything that shapes them; made once. */
const rendered = new Map<string, readonly Buffer[]>();

function render({ variant, path, fields, tokens }: LoadOrder): readonly Buffer[] {
  const key = `${variant} ${path} ${fields} ${tokens.length}`;
  const known = rendered.get(key);
  if (known !== undefined) return known;
  const body = requestBody(VARIANTS.find(({ name }) => name === variant)!);
  const requests = tokens.map((token) =>
    Buffer.concat([
      Buffer.from(
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: OpenAI/JS 7.57.0\r\nAccept: application/json\r\n` +
          `Content-Type: application/json\r\nAuthorization: Bearer ${token}\r\n${fields}` +
          `Content-Length: ${body.length}\r\n\r\n`,
      ),
      body,
    ]),
  );
  rendered.set(key, requests);
  return requests;
}

/** Returns what is wrong with the content of an answer; empty for nothing. */
function wrongContent(text: string, expect: LoadOrder['expect']): string {
  const content = textOf(text);
  const found = content.includes(EMAIL) && content.includes(CARD);
  if (expect === 'plain') return found ? '' : 'findings missing';
  if (content.includes(EMAIL) || content.includes(CARD) || content.includes('4111')) return 'not masked';
  return content.includes('Write to ') && content.includes('then ') ? '' : 'text missing';
}

/** Returns the model's text out of an answer, plain or streamed. */
function textOf(body: string): string {
  const events = body.startsWith('{') ? [body] : body.split('\n\n').map((event) => event.replace(/^data: /, ''));
  return events
    .filter((event) => event.startsWith('{'))
    .map((event) => /"content":("(?:[^"\\]|\\.)*")/.exec(event)?.[1] ?? '""')
    .map((literal) => String(JSON.parse(literal)))
    .join('');
}

let turn = 0;

async function run(order: LoadOrder): Promise<LoadResult> {
  const requests = render(order);
  const latencies: number[] = [];
  const wrong: Record<string, number> = {};
  const note = (what: string): void => {
    wrong[what] = (wrong[what] ?? 0) + 1;
  };
  const begin = performance.now();
  const until = begin + order.millis;
  let sent = 0;

  const worker = (): Promise<void> =>
    new Promise((resolve) => {
      const socket: Socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true });
      let sentAt = 0;
      let waiting = false;
      const finish = (): void => {
        clearTimeout(deadline);
        socket.destroy();
        resolve();
      };
      const deadline = setTimeout(() => {
        if (waiting) note('no answer in time');
        finish();
      }, order.millis + ANSWER_WITHIN_MS);
      const send = (): void => {
        if (performance.now() >= until || sent >= order.calls) return finish();
        turn = (turn + 1) % requests.length;
        sent += 1;
        waiting = true;
        sentAt = performance.now();
        socket.write(requests[turn]!);
      };
      const read = readMessage((message) => {
        waiting = false;
        latencies.push(performance.now() - sentAt);
        const status = statusOf(message);
        if (status !== 200) note(`status ${status}`);
        else if (latencies.length % READ_ONE_IN === 1) {
          const what = wrongContent(bodyOf(message), order.expect);
          if (what !== '') note(what);
        }
        send();
      });
      socket.on('connect', send);
      socket.on('data', read);
      socket.on('error', (error) => note(error.message));
      socket.on('close', () => {
        if (waiting) note('connection closed');
        finish();
      });
    });

  await Promise.all(Array.from({ length: order.connections }, worker));
  const seconds = (performance.now() - begin) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { calls: sent, seconds, p50: at(0.5), p99: at(0.99), max: latencies.at(-1) ?? 0, wrong };
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
