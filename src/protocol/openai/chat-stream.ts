/** OpenAI chat completions and completions, streamed: one channel for each growing string of each choice. */

import type { JsonStep } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, Usage } from '../codec.ts';
import { OPENAI_PLACES } from './places.ts';
import { openaiUsage } from './usage.ts';
import { growingKindAt } from '../places.ts';
import { eventObject, NOTHING, positionOf, THE_END, unknownEvent } from '../framing/stream-shape.ts';
import { isObject, itemsOf, type JsonObject, member } from '../value.ts';

/**
 * Strings of a delta that come whole. Every other one is taken to grow from event to event, known or not: a fragment
 * masked by itself would leak what is split.
 */
const WHOLE: ReadonlySet<JsonStep> = new Set(['role', 'type', 'id', 'name', 'format', 'status']);

/** Members of a chunk that a further chunk repeats. */
const REPEATED = ['id', 'object', 'created', 'model', 'system_fingerprint'] as const;

/** How to write a choice that holds only this text. */
type Shape = (text: string) => JsonObject;

class ChatReader implements StreamReader {
  private readonly shapes = new Map<string, Shape>();
  private readonly channels = new Map<number, Set<string>>();
  private repeated: JsonObject = {};
  private deltas: Delta[] = [];
  private readonly path: JsonStep[] = [];
  private document: unknown = null;

  read(_event: string, value: unknown): EventReading {
    const chunk = eventObject(value);
    if (isObject(chunk['error']) || chunk['object'] === 'error') return THE_END;
    const choices = chunk['choices'];
    if (!Array.isArray(choices)) return { ...unknownEvent(chunk), usage: openaiUsage(chunk) };
    this.deltas = [];
    this.document = chunk;
    this.repeated = chunk;
    const closes: string[] = [];
    for (let i = 0; i < choices.length; i++) closes.push(...this.choice(choices[i], i));
    const usage: Usage | null = chunk['usage'] === undefined ? null : openaiUsage(chunk);
    if (this.deltas.length === 0 && closes.length === 0 && usage === null) return NOTHING;
    return { deltas: this.deltas, closes, usage, signature: null };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const shape = this.shapes.get(channel);
    if (shape === undefined) throw new Failure('internal', 'expected a channel that was read before');
    const chunk: Record<string, unknown> = {};
    for (const name of REPEATED) if (this.repeated[name] !== undefined) chunk[name] = this.repeated[name];
    return { event: '', value: { ...chunk, choices: [shape(text)] } };
  }

  /** Returns the channels that this choice closes. */
  private choice(choice: unknown, position: number): Iterable<string> {
    if (!isObject(choice)) throw new Failure('answer-unreadable', 'expected a choice to be an object');
    const index = positionOf(choice['index'], position);
    this.path.push('choices', position);
    if (typeof choice['text'] === 'string') {
      this.path.push('text');
      this.grows(index, choice['text'], 'text', (text) => ({ index, text, logprobs: null, finish_reason: null }));
      this.path.pop();
    }
    const delta = choice['delta'];
    if (delta !== undefined && delta !== null) {
      if (!isObject(delta)) throw new Failure('answer-unreadable', 'expected a delta to be an object');
      this.path.push('delta');
      this.object(index, delta, '', (inner) => ({ index, delta: inner, finish_reason: null }));
      this.path.pop();
    }
    this.path.length = 0;
    const reason = choice['finish_reason'];
    if (typeof reason !== 'string' || reason === '') return [];
    return this.channels.get(index) ?? [];
  }

  private object(choice: number, object: JsonObject, name: string, wrap: (inner: JsonObject) => JsonObject): void {
    for (const key in object) {
      const value = object[key];
      if (value === null || typeof value === 'number' || typeof value === 'boolean') continue;
      this.path.push(key);
      if (!WHOLE.has(key)) this.inner(choice, value, `${name}.${key}`, (inner) => wrap({ [key]: inner }));
      this.path.pop();
    }
  }

  private inner(choice: number, value: unknown, name: string, wrap: (inner: unknown) => JsonObject): void {
    if (typeof value === 'string') return this.grows(choice, value, name, wrap);
    if (isObject(value)) return this.object(choice, value, name, wrap);
    const items = itemsOf(value);
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      const index = positionOf(member(item, 'index'), i);
      this.path.push(i);
      this.inner(choice, item, `${name}.${index}`, (inner) => wrap([labelled(item, inner)]));
      this.path.pop();
    }
  }

  private grows(choice: number, text: string, name: string, wrap: (text: string) => JsonObject): void {
    const kind = growingKindAt(OPENAI_PLACES, this.path, text, this.document);
    if (kind === 'data') return;
    const channel = `${choice}${name}`;
    if (!this.shapes.has(channel)) {
      this.shapes.set(channel, wrap);
      const channels = this.channels.get(choice) ?? new Set();
      this.channels.set(choice, channels.add(channel));
    }
    this.deltas.push({ channel, path: [...this.path], text, kind });
  }
}

/** Returns an item of an array with what tells it from others: its index, or the type of a part without one. */
const labelled = (item: unknown, inner: unknown): unknown => {
  if (!isObject(inner)) return inner;
  const index = member(item, 'index');
  const type = member(item, 'type');
  if (index !== undefined) return { index, ...inner };
  return type === undefined ? inner : { type, ...inner };
};

/** Returns a reader for one streamed answer of chat completions or completions. */
export const openaiChatStream = (): StreamReader => new ChatReader();
