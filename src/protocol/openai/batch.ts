/** OpenAI: a file of batch requests is JSON Lines, each an operation with a body of its own. (openai/openai-openapi, BatchRequestInput) */

import { isUtf8 } from 'node:buffer';
import { Failure } from '../../reasons.ts';
import type { Operation } from '../codec.ts';
import type { Asked, Piece } from '../content.ts';
import { MAX_OPERATIONS } from '../content.ts';
import { readJson } from '../json/json.ts';
import { readOpenaiRequest } from './request.ts';
import { isObject, member, stringMember } from '../value.ts';

/** One line of a batch, with where it stands in the file. */
export interface BatchLine {
  readonly asked: Asked;
  readonly piece: Piece;
  readonly start: number;
  readonly end: number;
}

const unreadable = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

const LF = 0x0a;

/** Members of a line. Whatever else stands in one could be a body to somebody. */
const MEMBERS: ReadonlySet<string> = new Set(['custom_id', 'method', 'url', 'body']);

/**
 * Returns the requests of a batch file. `find` returns the operation at a method and path. Throws Failure
 * `body-unreadable` for a line that is no request of an operation that has a JSON body.
 */
export const readBatch = (
  bytes: Buffer,
  find: (method: string, path: string) => Operation | null,
): readonly BatchLine[] => {
  if (!isUtf8(bytes)) throw unreadable('a batch file in UTF-8');
  const lines: BatchLine[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LF, start);
    const end = found === -1 ? bytes.length : found;
    if (bytes.subarray(start, end).toString('latin1').trim() !== '') {
      if (lines.length === MAX_OPERATIONS) throw unreadable(`at most ${MAX_OPERATIONS} requests in a batch`);
      lines.push(readLine(bytes.subarray(start, end), start, find));
    }
    start = end + 1;
  }
  if (lines.length === 0) throw unreadable('at least one request in a batch');
  return lines;
};

const readLine = (
  bytes: Buffer,
  start: number,
  find: (method: string, path: string) => Operation | null,
): BatchLine => {
  const document = readJson(bytes);
  const { value } = document;
  if (!isObject(value) || !Object.keys(value).every((name) => MEMBERS.has(name)))
    throw unreadable('lines of custom_id, method, url and body in a batch');
  const operation = find(stringMember(value, 'method'), stringMember(value, 'url'));
  if (operation === null || operation.body !== 'json') throw unreadable('operations with a body in a batch');
  const reading = readOpenaiRequest(member(value, 'body'));
  const texts = reading.texts.map((text) => ({ ...text, path: ['body', ...text.path] }));
  const id = stringMember(value, 'custom_id');
  if (id !== '') texts.unshift({ path: ['custom_id'], text: id, role: '' });
  return {
    asked: { operation, document: value, reading: { ...reading, texts } },
    piece: { kind: 'json', document, operation },
    start,
    end: start + bytes.length,
  };
};
