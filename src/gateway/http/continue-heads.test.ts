import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { passOverContinues } from './continue-heads.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\nX: y\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
const BODY = 'HTTP/1.1 100 Continue\r\n\r\nis text here';
const FINAL = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** What a reader of the socket gets when the request was written and `text` comes in pieces of `size`. */
function read(text: string, size: number): string {
  let got = '';
  const socket: Pick<Socket, 'push' | 'write'> = {
    write: () => true,
    push: (chunk: Buffer | null) => {
      got += chunk === null ? '|end' : chunk.toString('latin1');
      return true;
    },
  };
  passOverContinues(socket);
  socket.write('GET / HTTP/1.1\r\n\r\n');
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) socket.push(bytes.subarray(at, at + size));
  socket.push(null);
  return got;
}

describe('passOverContinues', () => {
  it.each<[string, string, string]>([
    ['one ahead of the answer', CONTINUE + FINAL, FINAL],
    ['several', CONTINUE + CONTINUE + FINAL, FINAL],
    ['those behind another interim head', HINTS + CONTINUE + HINTS + FINAL, HINTS + HINTS + FINAL],
    ['one without a phrase', `HTTP/1.1 100\r\n\r\n${FINAL}`, FINAL],
    ['none in an answer without', FINAL, FINAL],
    ['none that has no end', `HTTP/1.1 100 Continue\r\nX: y\r\n`, `HTTP/1.1 100 Continue\r\nX: y\r\n`],
    [
      'none longer than a head may be',
      CONTINUE.replace('y', 'y'.repeat(20_000)),
      CONTINUE.replace('y', 'y'.repeat(20_000)),
    ],
    ['nothing in bytes that are no HTTP', 'HTTP/9', 'HTTP/9'],
  ])('takes out %s, however the bytes come', (_what, sent, kept) => {
    for (const size of [1, 2, 3, 7, 24, 100, 100_000]) expect(read(sent, size)).toBe(`${kept}|end`);
  });
});
