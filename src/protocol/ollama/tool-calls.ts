/** Ollama: where tools are called. (ollama/ollama, docs/api.md and api/types.go) */

import type { ToolCall } from '../../call.ts';
import type { CallReading } from '../codec.ts';
import { withResults } from '../openai/tool-calls.ts';
import { callIn, wholePieces } from '../tool-calls.ts';
import { itemsOf, member, stringMember } from '../value.ts';

const callsIn = (message: unknown): readonly ToolCall[] =>
  itemsOf(member(message, 'tool_calls')).map((entry) => callIn(member(entry, 'function')));

const toldBy = (message: unknown): readonly ToolCall[] => {
  const name = stringMember(message, 'tool_name');
  return name === '' ? [] : [{ name, arguments: {} }];
};

const whole = (document: unknown): readonly ToolCall[] => {
  const messages = itemsOf(member(document, 'messages'));
  const calls = [...messages, member(document, 'message')].flatMap(callsIn);
  return withResults(calls, messages.flatMap(toldBy));
};

/** Each line of a stream has whole calls. */
export const OLLAMA_CALLS: CallReading = {
  whole,
  event: (_, value) => ({ pieces: wholePieces(whole(value)), ends: [] }),
};
