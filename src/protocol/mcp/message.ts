/** JSON-RPC 2.0 messages as MCP sends them: requests, notifications, and answers to the server's own requests. */

import { Failure } from '../../reasons.ts';
import { isObject, type JsonObject, member } from '../value.ts';

/** What an answer names the request by. */
export type MessageId = string | number;

/** One message of a caller. */
export type Message =
  | { readonly kind: 'request'; readonly method: string; readonly id: MessageId; readonly params: JsonObject }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject }
  | { readonly kind: 'response' };

/** Returns the error for a message that has no single reading. */
export const badMessage = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

/**
 * Members whose value decides what happens. Some readers of JSON take a name in any case (Go's encoding/json does) and
 * the last of two: such a message would be read in two ways.
 */
const DECIDING: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
const DECIDING_PARAMS: ReadonlySet<string> = new Set(['name', 'uri', 'arguments', '_meta']);

const checkNames = (object: JsonObject, deciding: ReadonlySet<string>): void => {
  for (const name in object) {
    if (deciding.has(name)) continue;
    // U+017F and U+212A fold to ASCII letters, too
    const folded = name.normalize('NFKC').toLowerCase();
    if (deciding.has(folded)) throw badMessage(`${folded} to be written in small letters`);
  }
};

/** Methods are words and slashes: anything else could be one name here and another there. */
const METHOD = /^[A-Za-z0-9_$.-]+(?:\/[A-Za-z0-9_$.-]+)*$/;
const LONGEST_METHOD = 128;

const paramsOf = (object: JsonObject): JsonObject => {
  const params = object['params'] ?? {};
  // MCP has named parameters only.
  if (!isObject(params)) throw badMessage('params to be an object');
  checkNames(params, DECIDING_PARAMS);
  return params;
};

/** Returns the message. Throws Failure `body-unreadable` for what is none, or more than one thing at once. */
export const readMessage = (value: unknown): Message => {
  if (!isObject(value)) throw badMessage('a JSON-RPC message');
  checkNames(value, DECIDING);
  if (value['jsonrpc'] !== '2.0') throw badMessage('jsonrpc to be 2.0');
  const { id, method } = value;
  const answers = Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error');
  if (method === undefined) {
    if (!answers) throw badMessage('a method, a result or an error');
    return { kind: 'response' };
  }
  if (answers) throw badMessage('a method or an answer, not both');
  if (typeof method !== 'string' || method.length > LONGEST_METHOD || !METHOD.test(method))
    throw badMessage('method to be a name');
  const params = paramsOf(value);
  if (!Object.hasOwn(value, 'id')) return { kind: 'notification', method, params };
  if (typeof id !== 'string' && typeof id !== 'number') throw badMessage('id to be a string or a number');
  return { kind: 'request', method, id, params };
};

/** What each method is about: the member of its params that names it, which the header Mcp-Name repeats. */
const SUBJECTS: Readonly<Record<string, 'name' | 'uri'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** Returns what a message is about, null where its method names nothing. Throws Failure `body-unreadable` when it is missing. */
export const subjectOf = (message: Message): string | null => {
  if (message.kind === 'response' || !Object.hasOwn(SUBJECTS, message.method)) return null;
  const name = SUBJECTS[message.method] ?? 'name';
  const subject = member(message.params, name);
  if (typeof subject !== 'string') throw badMessage(`${message.method} to have a ${name}`);
  return subject;
};
