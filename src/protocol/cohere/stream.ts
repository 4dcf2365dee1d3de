/** Cohere chat, streamed: typed events, each of which grows one string of the message. (docs.cohere.com, v2 streaming) */

import type { JsonStep } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, StringKind, Usage } from '../codec.ts';
import { eventObject, NOTHING, positionOf, THE_END, unknownEvent } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, member, stringMember, valueAt } from '../value.ts';

const count = (tokens: unknown, name: string): number | null => {
  const value = member(tokens, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

/** Returns the tokens of an answer's `usage`, those that were processed before those that are billed; or null. */
export const cohereUsage = (holder: unknown): Usage | null => {
  const usage = member(holder, 'usage') ?? member(holder, 'meta');
  for (const name of ['tokens', 'billed_units']) {
    const tokens = member(usage, name);
    const input = count(tokens, 'input_tokens');
    const output = count(tokens, 'output_tokens');
    if (input !== null || output !== null) return { input: input ?? 0, output: output ?? 0 };
  }
  return null;
};

/** What an event grows: the object in its message that holds the strings, and the event that goes on with them. */
interface Growth {
  readonly around: readonly string[];
  readonly event: string;
  readonly kind: StringKind;
}

const CONTENT: Growth = { around: ['delta', 'message', 'content'], event: 'content-delta', kind: 'text' };
const PLAN: Growth = { around: ['delta', 'message'], event: 'tool-plan-delta', kind: 'text' };
const CALL: Growth = { around: ['delta', 'message', 'tool_calls', 'function'], event: 'tool-call-delta', kind: 'json' };

const GROWTHS: Readonly<Record<string, Growth>> = {
  'content-start': CONTENT,
  'content-delta': CONTENT,
  'tool-plan-delta': PLAN,
  'tool-call-start': CALL,
  'tool-call-delta': CALL,
};

/** Events that show something whole. */
const WHOLE: ReadonlySet<string> = new Set(['message-start', 'citation-start', 'citation-end', 'debug']);

/** Strings beside a growing one that come whole. */
const NAMES: ReadonlySet<string> = new Set(['type', 'role', 'name', 'id']);

interface Channel {
  readonly growth: Growth;
  readonly member: string;
  readonly index: unknown;
}

class CohereReader implements StreamReader {
  private readonly channels = new Map<string, Channel>();

  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    const type = stringMember(object, 'type') || event;
    if (type === 'message-end') return { ...THE_END, usage: cohereUsage(object['delta']) };
    if (type === 'content-end') return { ...NOTHING, closes: this.of(CONTENT, object['index']) };
    if (type === 'tool-call-end') return { ...NOTHING, closes: this.of(CALL, object['index']) };
    const growth = Object.hasOwn(GROWTHS, type) ? GROWTHS[type] : undefined;
    if (growth !== undefined) return { ...NOTHING, deltas: this.grown(growth, object) };
    return WHOLE.has(type) ? NOTHING : unknownEvent(object);
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    const { growth, index } = found;
    const inner = growth.around.reduceRight<unknown>((value, name) => ({ [name]: value }), { [found.member]: text });
    const value = { type: growth.event, ...(index === undefined ? {} : { index }), ...(isObject(inner) ? inner : {}) };
    return { event: growth.event, value };
  }

  private of(growth: Growth, index: unknown): readonly string[] {
    const at = positionOf(index, 0);
    return [...this.channels]
      .filter(([, channel]) => channel.growth === growth && positionOf(channel.index, 0) === at)
      .map(([name]) => name);
  }

  private grown(growth: Growth, object: JsonObject): Delta[] {
    const holder = valueAt(object, growth.around);
    if (!isObject(holder)) {
      unknownEvent(object['delta']);
      return [];
    }
    const deltas: Delta[] = [];
    for (const name in holder) {
      const text = holder[name];
      if (NAMES.has(name)) continue;
      if (typeof text !== 'string') unknownEvent(text);
      else deltas.push(this.grows({ growth, member: name, index: object['index'] }, text));
    }
    return deltas;
  }

  private grows(channel: Channel, text: string): Delta {
    const { growth, index } = channel;
    const name = `${growth.event} ${positionOf(index, 0)} ${channel.member}`;
    this.channels.set(name, channel);
    const path: readonly JsonStep[] = [...growth.around, channel.member];
    return { channel: name, path, text, kind: channel.member === 'arguments' ? growth.kind : 'text' };
  }
}

/** Returns a reader for one streamed answer of chat. */
export const cohereStream = (): StreamReader => new CohereReader();
