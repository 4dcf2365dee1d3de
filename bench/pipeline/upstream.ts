/**
 * The model server behind every contender, a process of its own: answers are rendered once, requests are read just far
 * enough to know where they end, so that it costs as little as Node can do and never is what limits a contender.
 * A streamed answer leaves an event a write, one write a turn of the event loop, as tokens come.
 */

import { createServer, type Socket } from 'node:net';
import process from 'node:process';
import { plainAnswer, streamedAnswer } from './payload.ts';
import { readMessage } from './wire.ts';

const json = plainAnswer();
const PLAIN = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
);
const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n' +
  'Transfer-Encoding: chunked\r\n\r\n';
const STREAM = streamedAnswer().map((event, i, all) =>
  Buffer.from(
    `${i === 0 ? STREAM_HEAD : ''}${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n` +
      (i === all.length - 1 ? '0\r\n\r\n' : ''),
  ),
);
const ASKS_FOR_STREAM = Buffer.from('"stream":true');

let answered = 0;
/** Streams under way: connection → index of its next event. */
const streams = new Map<Socket, number>();

/** Writes the next event of every stream and comes back in the next turn while there are any. */
function turn(): void {
  for (const [socket, at] of streams) {
    const event = STREAM[at];
    if (event === undefined || socket.destroyed) {
      streams.delete(socket);
      continue;
    }
    socket.write(event);
    streams.set(socket, at + 1);
  }
  if (streams.size > 0) setImmediate(turn);
}

function answer(socket: Socket, request: Buffer): void {
  answered += 1;
  if (!request.includes(ASKS_FOR_STREAM)) return void socket.write(PLAIN);
  streams.set(socket, 0);
  if (streams.size === 1) setImmediate(turn);
}

const server = createServer({ noDelay: true }, (socket) => {
  const read = readMessage((request) => answer(socket, request));
  socket.on('data', read);
  socket.on('error', () => socket.destroy());
});

process.on('message', () => process.send?.({ answered }));
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ address: server.address() }));
