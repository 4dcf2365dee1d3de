/**
 * OpenAI responses, streamed. Event types follow a scheme, and so does this reader: `X.delta` grows the text X of an
 * item, `X.done` repeats it whole and ends it, and what lies between names progress.
 */

import type { JsonStep } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, StringKind } from '../codec.ts';
import { openaiUsage } from './usage.ts';
import { eventObject, NOTHING, positionOf, THE_END, unknownEvent } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, member, stringMember } from '../value.ts';

/** Members that tell where in the answer a text stands; a further event for the same text repeats them. */
const PLACE = ['item_id', 'output_index', 'content_index', 'summary_index', 'command_index'] as const;
/** Those that tell the parts of one item from one another. */
const PART = ['content_index', 'summary_index', 'command_index'] as const;

/** Where an event shows the beginning of a text, and the stem X of the events that go on with it. */
interface Beginning {
  readonly path: readonly string[];
  readonly stem: string;
}

const ITEM_TEXTS: Readonly<Record<string, Beginning>> = {
  function_call: { path: ['item', 'arguments'], stem: 'response.function_call_arguments' },
  mcp_call: { path: ['item', 'arguments'], stem: 'response.mcp_call_arguments' },
  custom_tool_call: { path: ['item', 'input'], stem: 'response.custom_tool_call_input' },
  code_interpreter_call: { path: ['item', 'code'], stem: 'response.code_interpreter_call_code' },
};

/** Texts may begin with the event that adds their part; mostly they begin empty. */
const BEGINNINGS: Readonly<Record<string, (event: JsonObject) => Beginning | null>> = {
  'response.content_part.added': (event) => {
    const type = stringMember(event['part'], 'type');
    return { path: ['part', type === 'refusal' ? 'refusal' : 'text'], stem: `response.${type}` };
  },
  'response.reasoning_summary_part.added': () => ({
    path: ['part', 'text'],
    stem: 'response.reasoning_summary_text',
  }),
  'response.shell_call_command.added': () => ({ path: ['command'], stem: 'response.shell_call_command' }),
  'response.output_item.added': (event) => {
    const type = stringMember(event['item'], 'type');
    return Object.hasOwn(ITEM_TEXTS, type) ? (ITEM_TEXTS[type] ?? null) : null;
  },
};

/** Events that show a whole item, part, answer or annotation. */
const WHOLE: ReadonlySet<string> = new Set([
  ...Object.keys(BEGINNINGS),
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.output_text.annotation.added',
  'response.image_generation_call.partial_image',
]);

/** Events that end the answer. */
const LAST: ReadonlySet<string> = new Set([
  'error',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
]);

const kindOf = (stem: string): StringKind => {
  if (stem === 'response.audio') return 'data';
  return stem.endsWith('_arguments') ? 'json' : 'text';
};

interface Channel {
  readonly name: string;
  readonly stem: string;
  readonly output: number;
  readonly part: number;
  /** Returns an event that grows this channel only. */
  readonly write: (text: string) => JsonObject;
}

const outputOf = (event: JsonObject): number => positionOf(event['output_index'], 0);
const partOf = (event: JsonObject): number => positionOf(PART.map((name) => event[name]).find(isSet), 0);
const isSet = (value: unknown): boolean => value !== undefined;

class ResponsesReader implements StreamReader {
  private readonly channels = new Map<string, Channel>();
  private sequence: unknown;

  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    const type = stringMember(object, 'type') || event;
    this.sequence = object['sequence_number'];
    if (LAST.has(type) || isObject(object['error'])) return { ...THE_END, usage: openaiUsage(object['response']) };
    if (type.endsWith('.delta')) return this.grown(type.slice(0, -'.delta'.length), object);
    if (type.endsWith('.done')) return { ...NOTHING, closes: this.closed(type.slice(0, -'.done'.length), object) };
    if (Object.hasOwn(BEGINNINGS, type)) return this.begun(BEGINNINGS[type]?.(object) ?? null, object);
    return WHOLE.has(type) ? NOTHING : unknownEvent(object);
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    // No number is left between the events around it: it takes that of the event that it goes ahead of.
    return { event: `${found.stem}.delta`, value: { ...found.write(text), sequence_number: this.sequence } };
  }

  private grown(stem: string, object: JsonObject): EventReading {
    const delta = object['delta'];
    if (typeof delta === 'string') return growing([this.grows(stem, object, ['delta'], delta, (text) => text)]);
    if (!isObject(delta)) return unknownEvent(object);
    // A shell's output comes as { stdout, stderr }.
    const deltas: Delta[] = [];
    for (const name in delta) {
      const text = delta[name];
      if (typeof text === 'string')
        deltas.push(this.grows(stem, object, ['delta', name], text, (inner) => ({ [name]: inner })));
      else unknownEvent(text);
    }
    return growing(deltas);
  }

  private begun(beginning: Beginning | null, object: JsonObject): EventReading {
    if (beginning === null) return NOTHING;
    const { path, stem } = beginning;
    const text = path.reduce<unknown>(member, object);
    if (typeof text !== 'string' || text === '') return NOTHING;
    return growing([this.grows(stem, object, path, text, (inner) => inner)]);
  }

  private grows(
    stem: string,
    object: JsonObject,
    path: readonly JsonStep[],
    text: string,
    wrap: (text: string) => unknown,
  ): Delta {
    const output = outputOf(object);
    const part = partOf(object);
    const name = [stem, output, part, ...(path[0] === 'delta' ? path.slice(1) : [])].join(' ');
    const kind = kindOf(stem);
    if (kind !== 'data') this.channels.set(name, { name, stem, output, part, write: writer(stem, object, wrap) });
    return { channel: name, path, text, kind };
  }

  private closed(stem: string, object: JsonObject): readonly string[] {
    const output = outputOf(object);
    const part = partOf(object);
    const ends = (channel: Channel): boolean => {
      if (channel.output !== output) return false;
      if (stem === 'response.output_item') return true;
      return channel.part === part && (channel.stem === stem || PART_STEMS.has(stem));
    };
    return [...this.channels.values()].filter(ends).map(({ name }) => name);
  }
}

/** Ends of parts: of every text in them. */
const PART_STEMS: ReadonlySet<string> = new Set(['response.content_part', 'response.reasoning_summary_part']);

const growing = (deltas: readonly Delta[]): EventReading => ({ ...NOTHING, deltas });

/** Returns how to write a further event for the text that `event` grew. */
const writer = (stem: string, event: JsonObject, wrap: (text: string) => unknown): ((text: string) => JsonObject) => {
  const place: Record<string, unknown> = {};
  for (const key of PLACE) if (event[key] !== undefined) place[key] = event[key];
  place['item_id'] ??= member(event['item'], 'id');
  const logprobs = stem === 'response.output_text' ? { logprobs: [] } : {};
  return (text) => ({
    type: `${stem}.delta`,
    ...place,
    delta: wrap(text),
    ...logprobs,
  });
};

/** Returns a reader for one streamed answer of responses. */
export const openaiResponsesStream = (): StreamReader => new ResponsesReader();
