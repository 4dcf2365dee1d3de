/** Cohere: where tools are called. (docs.cohere.com, v2 chat and its streaming) */

import type { ToolCall } from '../../call.ts';
import type { CallEvent, CallReading } from '../codec.ts';
import { positionOf } from '../framing/stream-shape.ts';
import { ALL_CALLS_END, callIn, NO_CALLS } from '../tool-calls.ts';
import { itemsOf, member, stringMember } from '../value.ts';

const callsIn = (message: unknown): readonly ToolCall[] =>
  itemsOf(member(message, 'tool_calls')).map((entry) => callIn(member(entry, 'function')));

export const COHERE_CALLS: CallReading = {
  whole: (document) => [...itemsOf(member(document, 'messages')), member(document, 'message')].flatMap(callsIn),
  event(event, value): CallEvent {
    const type = stringMember(value, 'type') || event;
    const call = `${positionOf(member(value, 'index'), 0)}.`;
    if (type === 'tool-call-start' || type === 'tool-call-delta') {
      const said = member(member(member(member(value, 'delta'), 'message'), 'tool_calls'), 'function');
      const [name, text] = [stringMember(said, 'name'), stringMember(said, 'arguments')];
      return { pieces: [{ kind: 'grows', call, name, text }], ends: [] };
    }
    if (type === 'tool-call-end') return { pieces: [], ends: [call] };
    return type === 'message-end' ? ALL_CALLS_END : NO_CALLS;
  },
};
