/** Anthropic: where tools are called, by the caller, the server or an MCP server. (docs.anthropic.com, API reference) */

import type { ToolCall } from '../../call.ts';
import type { CallEvent, CallReading } from '../codec.ts';
import { positionOf } from '../framing/stream-shape.ts';
import { ALL_CALLS_END, callIn, NO_CALLS, wholePieces } from '../tool-calls.ts';
import { isObject, itemsOf, member, stringMember } from '../value.ts';

/** `tool_use`, `server_tool_use` and `mcp_tool_use`. */
const isCall = (block: unknown): boolean => stringMember(block, 'type').endsWith('tool_use');

const callsIn = (content: unknown): readonly ToolCall[] =>
  itemsOf(content)
    .filter(isCall)
    .map((block) => callIn(block, 'name', 'input'));

const whole = (document: unknown): readonly ToolCall[] => [
  ...itemsOf(member(document, 'messages')).flatMap((message) => callsIn(member(message, 'content'))),
  ...callsIn(member(document, 'content')),
];

const isEmpty = (input: unknown): boolean => !isObject(input) || Object.keys(input).length === 0;

export const ANTHROPIC_CALLS: CallReading = {
  whole,
  event(event, value): CallEvent {
    const type = stringMember(value, 'type') || event;
    const call = `${positionOf(member(value, 'index'), 0)}.`;
    const block = member(value, 'content_block');
    const delta = member(value, 'delta');
    switch (type) {
      case 'message_start':
        return { pieces: wholePieces(whole(member(value, 'message'))), ends: [] };
      case 'content_block_start': {
        if (!isCall(block)) return NO_CALLS;
        const name = stringMember(block, 'name');
        const input = member(block, 'input');
        // it begins empty, and clients take what comes after instead
        if (isEmpty(input)) return { pieces: [{ kind: 'grows', call, name, text: '' }], ends: [] };
        return { pieces: [{ kind: 'whole', call, name, arguments: input }], ends: [] };
      }
      case 'content_block_delta': {
        if (stringMember(delta, 'type') !== 'input_json_delta') return NO_CALLS;
        return { pieces: [{ kind: 'grows', call, name: '', text: stringMember(delta, 'partial_json') }], ends: [] };
      }
      case 'content_block_stop':
        return { pieces: [], ends: [call] };
      case 'message_stop':
      case 'error':
        return ALL_CALLS_END;
      default:
        return NO_CALLS;
    }
  },
};
