/** Anthropic messages, streamed: one channel for each growing string of each content block. */

import type { JsonStep } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { ANTHROPIC_PLACES } from './places.ts';
import { anthropicUsage } from './usage.ts';
import type { Delta, EventReading, StreamReader, StringKind, Usage } from '../codec.ts';
import { growingKindAt } from '../places.ts';
import { eventObject, NOTHING, positionOf, THE_END, unknownEvent } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, stringMember } from '../value.ts';

/** What a growing string of a block is called in the deltas that go on with it. */
const BEGINNINGS: Readonly<Record<string, string>> = { text: 'text_delta', thinking: 'thinking_delta' };

interface Channel {
  readonly index: number;
  readonly type: string;
  readonly member: string;
}

const kindOf = (member: string, path: readonly JsonStep[], text: string, document: unknown): StringKind =>
  member === 'partial_json' ? 'json' : growingKindAt(ANTHROPIC_PLACES, path, text, document);

class MessagesReader implements StreamReader {
  private readonly channels = new Map<string, Channel>();
  private usage: Usage | null = null;

  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    const type = stringMember(object, 'type') || event;
    switch (type) {
      case 'content_block_delta':
        return this.grown(object);
      case 'content_block_start':
        return this.begun(object);
      case 'content_block_stop':
        return { ...NOTHING, closes: this.of(positionOf(object['index'], 0)) };
      case 'message_start':
        return { ...NOTHING, usage: this.counted(object['message']) };
      case 'message_delta':
        return { ...NOTHING, usage: this.counted(object) };
      case 'message_stop':
      case 'error':
        return THE_END;
      default:
        return unknownEvent(object);
    }
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    const { index, type, member } = found;
    const event = 'content_block_delta';
    return { event, value: { type: event, index, delta: { type, [member]: text } } };
  }

  /** The counts of a stream are cumulative, and later ones may leave out the input. */
  private counted(holder: unknown): Usage | null {
    const usage = anthropicUsage(holder);
    if (usage === null) return null;
    this.usage = {
      input: Math.max(usage.input, this.usage?.input ?? 0),
      output: Math.max(usage.output, this.usage?.output ?? 0),
    };
    return this.usage;
  }

  private of(index: number): readonly string[] {
    return [...this.channels].filter(([, channel]) => channel.index === index).map(([name]) => name);
  }

  private begun(object: JsonObject): EventReading {
    const index = positionOf(object['index'], 0);
    const block = object['content_block'];
    if (!isObject(block)) return unknownEvent(object);
    const deltas: Delta[] = [];
    for (const member in BEGINNINGS) {
      const text = block[member];
      if (typeof text !== 'string' || text === '') continue;
      deltas.push(
        this.grows({ index, type: BEGINNINGS[member] ?? '', member }, ['content_block', member], text, object),
      );
    }
    return { ...NOTHING, deltas };
  }

  private grown(object: JsonObject): EventReading {
    const index = positionOf(object['index'], 0);
    const delta = object['delta'];
    if (!isObject(delta)) return unknownEvent(object);
    const type = stringMember(delta, 'type');
    if (type === 'signature_delta') return this.signed(index);
    const deltas: Delta[] = [];
    for (const member in delta) {
      const text = delta[member];
      // A citation comes whole.
      if (member === 'type' || (type === 'citations_delta' && member === 'citation')) continue;
      if (typeof text !== 'string') unknownEvent(text);
      else deltas.push(this.grows({ index, type, member }, ['delta', member], text, object));
    }
    return { ...NOTHING, deltas };
  }

  /** The signature is over the thinking of its block, which ends with it. */
  private signed(index: number): EventReading {
    const channel = nameOf({ index, type: '', member: 'thinking' });
    return {
      ...NOTHING,
      closes: this.channels.has(channel) ? [channel] : [],
      signature: { channel, path: ['delta', 'signature'] },
    };
  }

  private grows(channel: Channel, path: readonly JsonStep[], text: string, document: unknown): Delta {
    const kind = kindOf(channel.member, path, text, document);
    const name = nameOf(channel);
    if (kind !== 'data') this.channels.set(name, channel);
    return { channel: name, path, text, kind, signed: channel.member === 'thinking' };
  }
}

const nameOf = ({ index, member }: Channel): string => `${index} ${member}`;

/** Returns a reader for one streamed answer of messages. */
export const anthropicStream = (): StreamReader => new MessagesReader();
