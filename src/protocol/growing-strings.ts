/** Streams of which only so much is known: every string goes on from event to event, told apart by its place. */

import type { JsonStep } from '../call.ts';
import { Failure } from '../reasons.ts';
import type { Delta, EventReading, StreamReader, Usage } from './codec.ts';
import { eventObject } from './framing/stream-shape.ts';
import { isObject, itemsOf, type JsonObject, member } from './value.ts';

/** What a protocol knows of its events. */
export interface GrowingShape {
  /** Members whose strings come whole. */
  readonly whole: ReadonlySet<string>;
  /** Returns true for the event that ends the answer. */
  ends(event: JsonObject): boolean;
  usage(event: JsonObject): Usage | null;
}

class GrowingReader implements StreamReader {
  private readonly shape: GrowingShape;
  private readonly paths = new Map<string, readonly JsonStep[]>();

  constructor(shape: GrowingShape) {
    this.shape = shape;
  }

  read(_event: string, value: unknown): EventReading {
    const object = eventObject(value);
    const deltas: Delta[] = [];
    this.walk(object, [], deltas);
    return {
      deltas,
      closes: this.shape.ends(object) ? 'all' : [],
      usage: this.shape.usage(object),
      signature: null,
    };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const path = this.paths.get(channel);
    if (path === undefined) throw new Failure('internal', 'expected a channel that was read before');
    return { event: '', value: path.reduceRight<unknown>(around, text) };
  }

  private walk(value: unknown, path: readonly JsonStep[], deltas: Delta[]): void {
    if (typeof value === 'string') {
      const channel = path.join('.');
      this.paths.set(channel, path);
      deltas.push({ channel, path, text: value, kind: 'text' });
    } else if (isObject(value)) {
      for (const name in value) if (!this.shape.whole.has(name)) this.walk(value[name], [...path, name], deltas);
    } else itemsOf(value).forEach((item, i) => this.walk(item, [...path, i], deltas));
  }
}

/** Items ahead of the one that grows are there, and empty: a text keeps its position. */
const around = (inner: unknown, step: JsonStep): unknown =>
  typeof step === 'string' ? { [step]: inner } : [...Array.from({ length: step }, () => ({})), inner];

/** Returns a reader of events in which every string grows but for those that the shape names. */
export const growingStrings = (shape: GrowingShape): StreamReader => new GrowingReader(shape);

/** Returns the number under a name, null when there is none. */
export const countIn = (value: unknown, name: string): number | null => {
  const found = member(value, name);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
};
