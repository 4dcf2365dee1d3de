/** Bedrock ConverseStream: events named by their header, one channel for each growing string of each content block. */

import type { JsonStep } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, Usage } from '../codec.ts';
import { eventObject, NOTHING, positionOf, THE_END, unknownEvent } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, member } from '../value.ts';

const count = (usage: unknown, name: string): number => {
  const value = member(usage, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
};

/** Returns the tokens of an answer's `usage`, or null. */
export const bedrockUsage = (holder: unknown): Usage | null => {
  const usage = member(holder, 'usage');
  if (!isObject(usage)) return null;
  const input = ['inputTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens'];
  return { input: input.reduce((sum, name) => sum + count(usage, name), 0), output: count(usage, 'outputTokens') };
};

interface Channel {
  readonly index: number;
  /** Path of the growing string within the delta. */
  readonly place: readonly string[];
}

const nameOf = ({ index, place }: Channel): string => `${index} ${place.join('.')}`;

const REASONING: readonly string[] = ['reasoningContent', 'text'];

class ConverseReader implements StreamReader {
  private readonly channels = new Map<string, Channel>();

  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    if (event === 'contentBlockDelta') return this.grown(object);
    if (event === 'contentBlockStop')
      return { ...NOTHING, closes: this.of(positionOf(object['contentBlockIndex'], 0)) };
    if (event === 'metadata') return { ...NOTHING, usage: bedrockUsage(object) };
    // A tool's name comes whole, and nothing else does in these.
    if (event === 'contentBlockStart' || event === 'messageStart') return NOTHING;
    if (event === 'messageStop') return { ...NOTHING, closes: 'all' };
    return event.endsWith('Exception') ? THE_END : unknownEvent(object);
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    const delta = found.place.reduceRight<unknown>((inner, name) => ({ [name]: inner }), text);
    return { event: 'contentBlockDelta', value: { contentBlockIndex: found.index, delta } };
  }

  private of(index: number): readonly string[] {
    return [...this.channels].filter(([, channel]) => channel.index === index).map(([name]) => name);
  }

  private grown(object: JsonObject): EventReading {
    const index = positionOf(object['contentBlockIndex'], 0);
    const { delta } = object;
    if (!isObject(delta)) return unknownEvent(object);
    if (isObject(delta['reasoningContent']) && delta['reasoningContent']['signature'] !== undefined)
      return this.signed(index);
    // A citation comes whole, and so does what a tool of the server's returned.
    if (isObject(delta['citation']) || Array.isArray(delta['toolResult'])) return NOTHING;
    const deltas: Delta[] = [];
    this.strings(index, delta, [], deltas);
    return { ...NOTHING, deltas };
  }

  private strings(index: number, object: JsonObject, around: readonly string[], deltas: Delta[]): void {
    for (const name in object) {
      const value = object[name];
      const place = [...around, name];
      // Reasoning that only the model can read.
      if (name === 'redactedContent') continue;
      if (isObject(value)) this.strings(index, value, place, deltas);
      else if (typeof value === 'string') deltas.push(this.grows({ index, place }, value));
      else unknownEvent(value);
    }
  }

  private grows(channel: Channel, text: string): Delta {
    const name = nameOf(channel);
    this.channels.set(name, channel);
    const path: readonly JsonStep[] = ['delta', ...channel.place];
    return { channel: name, path, text, kind: channel.place.join('.') === 'toolUse.input' ? 'json' : 'text' };
  }

  /** The signature is over the reasoning of its block, which ends with it. */
  private signed(index: number): EventReading {
    const channel = nameOf({ index, place: REASONING });
    return {
      ...NOTHING,
      closes: this.channels.has(channel) ? [channel] : [],
      signature: { channel, path: ['delta', 'reasoningContent', 'signature'] },
    };
  }
}

/** Returns a reader for one streamed answer of Converse. */
export const converseStream = (): StreamReader => new ConverseReader();
