/**
 * OpenAI Realtime: the events of the server. As with responses, `X.delta` grows the text X of a part of an item and
 * `X.done` repeats it whole; but a connection lives long, and carries many responses and the transcripts of what the
 * caller said.
 */

import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, StringKind, Usage } from '../codec.ts';
import { openaiUsage } from './usage.ts';
import { eventObject, NOTHING, positionOf } from '../framing/stream-shape.ts';
import { type JsonObject, member, stringMember } from '../value.ts';

/** Members that tell where a text stands; a further event for the same text repeats them. */
const PLACE = ['event_id', 'response_id', 'item_id', 'output_index', 'content_index', 'call_id'] as const;

/** Endings of the events that show a text whole and end it. */
const ENDINGS = ['.done', '.completed', '.failed'] as const;

/** Ends of parts and items: of every text in them. */
const PART = 'response.content_part';
const ITEM = 'response.output_item';

interface Channel {
  readonly name: string;
  readonly stem: string;
  readonly response: string;
  readonly item: string;
  readonly part: number;
  /** Returns an event that grows this channel only. */
  readonly write: (text: string) => JsonObject;
}

const kindOf = (stem: string): StringKind => {
  if (stem === 'response.audio' || stem === 'response.output_audio') return 'data';
  return stem.endsWith('_arguments') ? 'json' : 'text';
};

const partOf = (event: JsonObject): number => positionOf(event['content_index'], 0);
const itemOf = (event: JsonObject): string => stringMember(event, 'item_id') || stringMember(event['item'], 'id');
const responseOf = (event: JsonObject): string =>
  stringMember(event, 'response_id') || stringMember(event['response'], 'id');

class RealtimeReader implements StreamReader {
  private readonly channels = new Map<string, Channel>();
  private used: Usage = { input: 0, output: 0 };

  read(_: string, value: unknown): EventReading {
    const event = eventObject(value);
    const type = stringMember(event, 'type');
    if (type.endsWith('.delta')) return this.grown(type.slice(0, -'.delta'.length), event);
    if (type === 'response.done') return this.ended(event);
    const ending = ENDINGS.find((end) => type.endsWith(end));
    if (ending === undefined) return NOTHING;
    return { ...NOTHING, closes: this.close((channel) => endsWith(channel, type.slice(0, -ending.length), event)) };
  }

  delta(name: string, text: string): { readonly event: string; readonly value: unknown } {
    const channel = this.channels.get(name) ?? this.closed.get(name);
    if (channel === undefined) throw new Failure('internal', 'expected a channel that was read before');
    return { event: '', value: channel.write(text) };
  }

  /** Channels that the last event closed: what they still hold is asked for after it was read. */
  private closed = new Map<string, Channel>();

  private grown(stem: string, event: JsonObject): EventReading {
    const text = event['delta'];
    // a delta that is no string shows something whole; every string in it is masked as it stands
    if (typeof text !== 'string') return NOTHING;
    const name = `${stem} ${itemOf(event)} ${partOf(event)}`;
    const delta: Delta = { channel: name, path: ['delta'], text, kind: kindOf(stem) };
    if (delta.kind !== 'data') this.channels.set(name, channelOf(name, stem, event));
    return { ...NOTHING, deltas: [delta] };
  }

  private ended(event: JsonObject): EventReading {
    const response = responseOf(event);
    const usage = openaiUsage(event['response']);
    if (usage !== null) this.used = { input: this.used.input + usage.input, output: this.used.output + usage.output };
    const closes = this.close((channel) => channel.response !== '' && channel.response === response);
    return { ...NOTHING, closes, usage: usage === null ? null : this.used };
  }

  /** A connection outlives its texts: those that end are forgotten with the next event. */
  private close(ends: (channel: Channel) => boolean): readonly string[] {
    this.closed = new Map();
    for (const channel of this.channels.values()) {
      if (!ends(channel)) continue;
      this.closed.set(channel.name, channel);
      this.channels.delete(channel.name);
    }
    return [...this.closed.keys()];
  }
}

const endsWith = (channel: Channel, stem: string, event: JsonObject): boolean => {
  if (channel.item !== itemOf(event)) return false;
  if (stem === ITEM || stem === 'conversation.item') return true;
  if (stem === PART) return channel.part === partOf(event);
  return channel.stem === stem && channel.part === partOf(event);
};

const channelOf = (name: string, stem: string, event: JsonObject): Channel => {
  const place: Record<string, unknown> = {};
  for (const key of PLACE) if (member(event, key) !== undefined) place[key] = event[key];
  return {
    name,
    stem,
    response: responseOf(event),
    item: itemOf(event),
    part: partOf(event),
    write: (text) => ({ type: `${stem}.delta`, ...place, delta: text }),
  };
};

/** Returns a reader for the server's events of one connection. */
export const openaiRealtimeStream = (): StreamReader => new RealtimeReader();
