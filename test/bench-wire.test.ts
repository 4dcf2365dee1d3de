/** The bench's own reading of HTTP: wrong ends of messages would make its figures wrong. */

import { expect, it } from 'vitest';
import { plainAnswer, streamedAnswer } from '../bench/pipeline/payload.ts';
import { bodyOf, readMessage, statusOf } from '../bench/pipeline/wire.ts';

const json = plainAnswer();
const plain = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-LENGTH: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
const events = streamedAnswer();
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const streamed = Buffer.from(
  `HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n${events.map(chunk).join('')}0\r\n\r\n`,
);

function readIn(pieces: readonly Buffer[]): readonly Buffer[] {
  const messages: Buffer[] = [];
  const read = readMessage((message) => messages.push(message));
  for (const piece of pieces) read(piece);
  return messages;
}

const cut = (bytes: Buffer, size: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

it.each([1, 2, 3, 7, 1000, 1e6])('finds the ends of messages that arrive %i bytes at a time', (size) => {
  const messages = readIn([...cut(plain, size), ...cut(streamed, size), ...cut(plain, size)]);
  expect(messages).toEqual([plain, streamed, plain]);
});

it('reads the status and the body, framing taken off', () => {
  expect([statusOf(plain), statusOf(streamed)]).toEqual([200, 403]);
  expect(bodyOf(plain)).toBe(json);
  expect(bodyOf(streamed)).toBe(events.join(''));
});

it('says nothing before the last byte', () => {
  expect(readIn([plain.subarray(0, -1)])).toEqual([]);
  expect(readIn([streamed.subarray(0, -1)])).toEqual([]);
});
