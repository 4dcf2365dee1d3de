/** OpenAI: where tools are called, in chats, responses and realtime. (openai/openai-openapi, openapi.yaml) */

import type { ToolCall } from '../../call.ts';
import type { CallEvent, CallPiece, CallReading } from '../codec.ts';
import { positionOf } from '../framing/stream-shape.ts';
import { ALL_CALLS_END, argumentsIn, callIn, NO_CALLS, wholePieces } from '../tool-calls.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

/** Ways to say a call inside of `tool_calls[]`; servers differ in which they read, so that each that is there counts. */
const WAYS = [
  ['function', 'arguments'],
  ['custom', 'input'],
] as const;

const callsIn = (entry: unknown): readonly ToolCall[] => {
  const calls = WAYS.flatMap(([way, given]) => {
    const said = member(entry, way);
    return isObject(said) ? [callIn(said, 'name', given)] : [];
  });
  return calls.length > 0 ? calls : [callIn(entry)];
};

/** Returns the calls in a message of a chat, today's and those of before there were tools. */
const callsOfMessage = (message: unknown): readonly ToolCall[] => {
  const calls = itemsOf(member(message, 'tool_calls')).flatMap(callsIn);
  const former = member(message, 'function_call');
  return isObject(former) ? [...calls, callIn(former)] : calls;
};

/** Returns what a result that names its tool tells of: a call that may stand nowhere else. */
const toldBy = (message: unknown): readonly ToolCall[] => {
  const role = stringMember(message, 'role');
  const name = role === 'tool' || role === 'function' ? stringMember(message, 'name') : '';
  return name === '' ? [] : [{ name, arguments: {} }];
};

/** Returns the calls, and of those that only results tell of the ones with other names. */
export const withResults = (calls: readonly ToolCall[], told: readonly ToolCall[]): readonly ToolCall[] => [
  ...calls,
  ...told.filter(({ name }) => !calls.some((call) => call.name === name)),
];

/** Items that are calls, and the member that holds what the tool is given. */
const NAMED: Readonly<Record<string, string>> = {
  function_call: 'arguments',
  mcp_call: 'arguments',
  mcp_approval_request: 'arguments',
  custom_tool_call: 'input',
};

/** Members of a call of a built-in tool that say nothing of what it is given. */
const ASIDE: ReadonlySet<string> = new Set(['id', 'call_id', 'type', 'status', 'result', 'results', 'outputs']);

/** Returns the call that an item is, null for any other item. */
const callOfItem = (item: unknown): ToolCall | null => {
  const type = stringMember(item, 'type');
  if (Object.hasOwn(NAMED, type)) return callIn(item, 'name', NAMED[type]);
  if (!type.endsWith('_call') || !isObject(item)) return null;
  const given = Object.entries(item).filter(([name]) => !ASIDE.has(name));
  return { name: type.slice(0, -'_call'.length), arguments: Object.fromEntries(given) };
};

const callsOfItems = (items: unknown): readonly ToolCall[] => itemsOf(items).flatMap((item) => callOfItem(item) ?? []);

const wholeCalls = (document: unknown): readonly ToolCall[] => {
  const messages = itemsOf(member(document, 'messages'));
  const choices = itemsOf(member(document, 'choices')).map((choice) => member(choice, 'message'));
  const item = callOfItem(member(document, 'item'));
  const calls = [
    ...[...messages, ...choices].flatMap(callsOfMessage),
    ...['input', 'output', 'data'].flatMap((name) => callsOfItems(member(document, name))),
    ...(item === null ? [] : [item]),
  ];
  return withResults(calls, messages.flatMap(toldBy));
};

/** A line of what a batch has answered holds an answer. */
const whole = (document: unknown): readonly ToolCall[] => {
  const inner = member(member(document, 'response'), 'body');
  return inner === undefined ? wholeCalls(document) : [...wholeCalls(document), ...wholeCalls(inner)];
};

/** Returns a piece of a call that grows; arguments that are no text come whole. */
const pieceOf = (call: string, name: string, given: unknown): CallPiece => {
  if (given === undefined || given === null) return { kind: 'grows', call, name, text: '' };
  return typeof given === 'string'
    ? { kind: 'grows', call, name, text: given }
    : { kind: 'whole', call, name, arguments: given };
};

const piecesOfDelta = (choice: number, delta: unknown): readonly CallPiece[] => {
  const pieces = itemsOf(member(delta, 'tool_calls')).flatMap((entry, at) => {
    const call = `${choice}.${positionOf(member(entry, 'index'), at)}.`;
    const ways = WAYS.flatMap(([way, given]) => {
      const said = member(entry, way);
      return isObject(said) ? [pieceOf(call, stringMember(said, 'name'), said[given])] : [];
    });
    return ways.length > 0 ? ways : [pieceOf(call, stringMember(entry, 'name'), member(entry, 'arguments'))];
  });
  const former = member(delta, 'function_call');
  if (!isObject(former)) return pieces;
  return [...pieces, pieceOf(`${choice}.former.`, stringMember(former, 'name'), former['arguments'])];
};

/** Chat completions, and what a batch has answered. */
export const CHAT_CALLS: CallReading = {
  whole,
  event(_, value): CallEvent {
    const choices = itemsOf(member(value, 'choices'));
    if (choices.length === 0) return { pieces: wholePieces(whole(value)), ends: [] };
    const ends: string[] = [];
    const pieces = choices.flatMap((choice, at) => {
      const index = positionOf(member(choice, 'index'), at);
      if (typeof member(choice, 'finish_reason') === 'string') ends.push(`${index}.`);
      const said = wholePieces(callsOfMessage(member(choice, 'message')));
      return [...piecesOfDelta(index, member(choice, 'delta')), ...said];
    });
    return { pieces, ends };
  },
};

/** Stems of the events that show what a tool is given as it grows, and whole. */
const GROWING: Readonly<Record<string, string>> = {
  'response.function_call_arguments': 'arguments',
  'response.mcp_call_arguments': 'arguments',
  'response.custom_tool_call_input': 'input',
};

/** Returns what names a call over the events of a stream. */
type KeyOf = (event: JsonObject) => string;

const wholePiece = (call: string, item: unknown): readonly CallPiece[] => {
  const said = callOfItem(item);
  return said === null ? [] : [{ kind: 'whole', call, name: said.name, arguments: said.arguments }];
};

/** An item is added empty, and shown whole when it is done; until then it is a call that is not complete. */
const added = (call: string, item: unknown): readonly CallPiece[] => {
  const said = callOfItem(item);
  if (said === null) return NO_CALLS.pieces;
  const member = NAMED[stringMember(item, 'type')];
  const text = member === undefined ? '' : stringMember(item, member);
  return [{ kind: 'grows', call, name: said.name, text }];
};

const itemEvent = (keyOf: KeyOf, type: string, event: JsonObject): CallEvent => {
  const call = keyOf(event);
  const stem = type.slice(0, type.lastIndexOf('.'));
  const given = Object.hasOwn(GROWING, stem) ? GROWING[stem] : undefined;
  if (given !== undefined && type.endsWith('.delta'))
    return { pieces: [{ kind: 'grows', call, name: '', text: stringMember(event, 'delta') }], ends: [] };
  if (given !== undefined && type.endsWith('.done')) {
    const name = stringMember(event, 'name');
    const text = stringMember(event, given);
    return { pieces: [{ kind: 'whole', call, name, arguments: argumentsIn(text) }], ends: [] };
  }
  if (type === 'response.output_item.added') return { pieces: added(call, event['item']), ends: [] };
  if (type === 'response.output_item.done') return { pieces: wholePiece(call, event['item']), ends: [call] };
  return NO_CALLS;
};

/** Responses: an item is named by its place in the output. */
export const RESPONSES_CALLS: CallReading = {
  whole,
  event(event, value): CallEvent {
    if (!isObject(value)) return NO_CALLS;
    const type = stringMember(value, 'type') || event;
    const output = member(value['response'], 'output');
    const said = itemsOf(output).flatMap((item, at) => wholePiece(`${at}.`, item));
    if (/^response\.(?:completed|incomplete|failed|cancelled)$/.test(type)) return { pieces: said, ends: [''] };
    if (said.length > 0) return { pieces: said, ends: [] };
    if (type === 'error') return ALL_CALLS_END;
    return itemEvent((of) => `${positionOf(of['output_index'], 0)}.`, type, value);
  },
};

const idOf: KeyOf = (event) => `${stringMember(event, 'item_id') || stringMember(event['item'], 'id')}.`;

/** Realtime: a connection has many responses, whose items have ids. */
export const REALTIME_CALLS: CallReading = {
  whole,
  event(_, value): CallEvent {
    if (!isObject(value)) return NO_CALLS;
    const type = stringMember(value, 'type');
    const said = itemsOf(member(value['response'], 'output'));
    const keys = said.map((item) => `${stringMember(item, 'id')}.`);
    if (type === 'response.done')
      return { pieces: said.flatMap((item, at) => wholePiece(keys[at] ?? '.', item)), ends: keys };
    if (!type.startsWith('conversation.item.')) return itemEvent(idOf, type, value);
    // shown again when it is added to the conversation, first without what it is given
    const shown = callOfItem(value['item']);
    const isEmpty = stringMember(value['item'], 'arguments') === '';
    return shown === null || isEmpty ? NO_CALLS : { pieces: wholePiece(idOf(value), value['item']), ends: [] };
  },
};
