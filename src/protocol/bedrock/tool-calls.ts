/** Bedrock: where tools are called, in Converse and in the documents of the vendors. (Amazon Bedrock API reference) */

import type { ToolCall } from '../../call.ts';
import { ANTHROPIC_CALLS } from '../anthropic/tool-calls.ts';
import type { CallEvent, CallReading } from '../codec.ts';
import { positionOf } from '../framing/stream-shape.ts';
import { CHAT_CALLS } from '../openai/tool-calls.ts';
import { ALL_CALLS_END, callIn, NO_CALLS } from '../tool-calls.ts';
import { isObject, itemsOf, member, stringMember } from '../value.ts';

const callsIn = (content: unknown): readonly ToolCall[] =>
  itemsOf(content).flatMap((block) => {
    const use = member(block, 'toolUse');
    return isObject(use) ? [callIn(use, 'name', 'input')] : [];
  });

export const CONVERSE_CALLS: CallReading = {
  whole: (document) => [
    ...itemsOf(member(document, 'messages')).flatMap((message) => callsIn(member(message, 'content'))),
    ...callsIn(member(member(member(document, 'output'), 'message'), 'content')),
  ],
  event(event, value): CallEvent {
    const call = `${positionOf(member(value, 'contentBlockIndex'), 0)}.`;
    if (event === 'contentBlockStart') {
      const use = member(member(value, 'start'), 'toolUse');
      if (!isObject(use)) return NO_CALLS;
      return { pieces: [{ kind: 'grows', call, name: stringMember(use, 'name'), text: '' }], ends: [] };
    }
    if (event === 'contentBlockDelta') {
      const use = member(member(value, 'delta'), 'toolUse');
      if (!isObject(use)) return NO_CALLS;
      return { pieces: [{ kind: 'grows', call, name: '', text: stringMember(use, 'input') }], ends: [] };
    }
    if (event === 'contentBlockStop') return { pieces: [], ends: [call] };
    return event === 'messageStop' || event.endsWith('Exception') ? ALL_CALLS_END : NO_CALLS;
  },
};

/** Amazon Nova says the events of Converse in documents of their own. */
const NOVA_EVENTS = ['contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop'] as const;

const novaEvent = (value: unknown): CallEvent => {
  const name = NOVA_EVENTS.find((event) => member(value, event) !== undefined);
  return name === undefined ? NO_CALLS : CONVERSE_CALLS.event(name, member(value, name));
};

/** InvokeModel: Anthropic's documents, those of the models that speak as OpenAI's do, and Amazon's own. */
export const INVOKE_CALLS: CallReading = {
  whole: (document) => [ANTHROPIC_CALLS, CHAT_CALLS, CONVERSE_CALLS].flatMap((reading) => reading.whole(document)),
  event(event, value) {
    if (event.endsWith('Exception')) return ALL_CALLS_END;
    if (typeof member(value, 'type') === 'string') return ANTHROPIC_CALLS.event('', value);
    return Array.isArray(member(value, 'choices')) ? CHAT_CALLS.event('', value) : novaEvent(value);
  },
};
