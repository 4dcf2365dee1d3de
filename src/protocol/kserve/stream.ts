/**
 * KServe v2, streamed: every event is one answer, of which each text goes on where that of the event before ended.
 * Triton's generate_stream says `text_output` and further tensors by name, MLServer's streams say `outputs`.
 */

import type { JsonStep } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader } from '../codec.ts';
import { eventObject, NOTHING, THE_END } from '../framing/stream-shape.ts';
import { isPlainWord, looksLikeData } from '../strings.ts';
import { isObject, itemsOf, type JsonObject, stringMember } from '../value.ts';

const NAMES: ReadonlySet<string> = new Set(['id', 'model_name', 'model_version', 'parameters']);

/** A text that begins with all that came before it, and is longer: its stream repeats itself. */
const LEAST_REPEATED = 8;
const MOST_REPEATS = 2;

interface Channel {
  /** Returns an event that grows this channel only. */
  readonly write: (text: string) => JsonObject;
  last: string;
  repeats: number;
}

class KserveReader implements StreamReader {
  readonly comparesEvents = true;
  private readonly channels = new Map<string, Channel>();

  read(_: string, value: unknown): EventReading {
    const object = eventObject(value);
    if (object['error'] !== undefined) return THE_END;
    const deltas: Delta[] = [];
    const head = headOf(object);
    for (const name in object) {
      if (NAMES.has(name) || name === 'outputs') continue;
      this.grow(deltas, [name], object[name], name, (text) => ({ ...head, [name]: text }));
    }
    for (const [at, output] of itemsOf(object['outputs']).entries()) this.output(deltas, at, output, head);
    return deltas.length === 0 ? NOTHING : { ...NOTHING, deltas };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    return { event: '', value: found.write(text) };
  }

  private output(deltas: Delta[], at: number, output: unknown, head: JsonObject): void {
    if (!isObject(output)) throw new Failure('answer-unreadable', 'expected every output of an event to be an object');
    const name = stringMember(output, 'name');
    const datatype = stringMember(output, 'datatype');
    this.grow(deltas, ['outputs', at, 'data'], output['data'], `outputs ${name}`, (text) => ({
      ...head,
      outputs: [{ name, shape: [1], datatype, data: [text] }],
    }));
  }

  /** Follows every string of a value; those of one list are texts of their own, side by side. */
  private grow(
    deltas: Delta[],
    path: readonly JsonStep[],
    value: unknown,
    name: string,
    write: (text: string) => JsonObject,
  ): void {
    if (typeof value === 'string') {
      this.follow(name, value, write);
      deltas.push({ channel: name, path, text: value, kind: 'text' });
    } else if (isObject(value)) {
      for (const key in value) {
        if (!isPlainWord(key)) throw new Failure('answer-unreadable', 'expected the names in an event to be words');
        this.grow(deltas, [...path, key], value[key], `${name} ${key}`, (text) => write(text));
      }
    } else
      for (const [at, item] of itemsOf(value).entries())
        this.grow(deltas, [...path, at], item, at === 0 ? name : `${name} ${at}`, write);
  }

  /** Throws Failure `answer-unreadable` for a text that comes again with every event: its fragments cannot be joined. */
  private follow(name: string, text: string, write: (text: string) => JsonObject): void {
    const channel = this.channels.get(name) ?? { write, last: '', repeats: 0 };
    this.channels.set(name, channel);
    const { last } = channel;
    const again = /[\p{L}\p{N}]/u.test(last) && text.length > last.length && text.startsWith(last);
    channel.repeats = again ? channel.repeats + 1 : 0;
    channel.last = text;
    if (again && (last.length >= LEAST_REPEATED || channel.repeats >= MOST_REPEATS))
      throw new Failure('answer-unreadable', 'expected a stream of fragments, found one that repeats what it has said');
  }
}

/** What every event of a stream says of its model. */
const headOf = (object: JsonObject): JsonObject => {
  const head: Record<string, unknown> = {};
  for (const name of ['model_name', 'model_version', 'id']) {
    const value = object[name];
    if (typeof value === 'string' && looksLikeData(value)) head[name] = value;
  }
  return head;
};

/** Returns a reader for one streamed answer. */
export const kserveStream = (): StreamReader => new KserveReader();
