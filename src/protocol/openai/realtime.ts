/** OpenAI Realtime: what a caller's events ask. (openai/openai-openapi, openapi.yaml, RealtimeClientEvent; both generations) */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Operation } from '../codec.ts';
import { NOTHING_ASKED } from '../content.ts';
import { OPENAI_PLACES } from './places.ts';
import { type Places, kindAt } from '../places.ts';
import type { SocketCodec, SocketMessage } from '../socket.ts';
import { type Attachment, collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

/** Places of events: those of the other OpenAI operations, and audio. */
export const REALTIME_PLACES: Places = {
  ...OPENAI_PLACES,
  rules: {
    ...OPENAI_PLACES.rules,
    // event types have dots: `response.create`
    type: { kind: 'id' },
    event_id: { kind: 'id' },
    previous_item_id: { kind: 'id' },
    audio: {
      kind: 'base64',
      types: ['input_audio_buffer.append', 'input_audio', 'output_audio', 'audio'],
      parents: [],
    },
  },
};

/** Who wrote what stands in an event: items say it themselves. */
const ROLES: Readonly<Record<string, string>> = { session: 'system', response: 'system', item: 'user' };

const role = (path: readonly JsonStep[], value: unknown, around: string): string => {
  const [top] = path;
  if (path.length === 1 && typeof top === 'string') return itemRole(value) || (ROLES[top] ?? around);
  if (path.at(-1) === 'tools') return 'tool-definition';
  // an item of `response.input` is one like that of an event of its own
  return path.length === 3 && path[1] === 'input' ? itemRole(value) || 'user' : around;
};

const itemRole = (item: unknown): string => {
  const type = stringMember(item, 'type');
  if (type.endsWith('_output')) return 'tool';
  return stringMember(item, 'role') || (type === 'function_call' ? 'assistant' : '');
};

const ATTACHMENTS: Readonly<Record<string, Attachment>> = {
  input_image: 'images',
  input_audio: 'audios',
  'input_audio_buffer.append': 'audios',
};

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(REALTIME_PLACES, path, text, document),
  role,
  attachment(_, object) {
    const type = stringMember(object, 'type');
    return Object.hasOwn(ATTACHMENTS, type) ? (ATTACHMENTS[type] ?? null) : null;
  },
  holdsTokenIds: () => false,
};

const unreadable = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

/** The parts of an event that hold settings: a session's, or those of one response. */
const settingsOf = (event: JsonObject): readonly unknown[] => [event['session'], event['response']];

const LIMITS = ['max_output_tokens', 'max_response_output_tokens'] as const;

/** Returns the largest output limit that the settings name, null when they name none; `inf` asks for no limit at all. */
const limitOf = (settings: readonly unknown[]): number | null => {
  let limit: number | null = null;
  for (const part of settings) {
    for (const name of LIMITS) {
      const value = member(part, name) ?? null;
      if (value === null) continue;
      if (value !== 'inf' && (!Number.isSafeInteger(value) || Number(value) < 0))
        throw unreadable(`${name} to be a whole number or "inf"`);
      limit = Math.max(limit ?? 0, value === 'inf' ? Number.MAX_SAFE_INTEGER : Number(value));
    }
  }
  return limit;
};

const toolsOf = (settings: readonly unknown[]): readonly Tool[] =>
  settings.flatMap((part) =>
    itemsOf(member(part, 'tools')).map((tool) => {
      const type = stringMember(tool, 'type') || 'function';
      return { name: stringMember(tool, 'name') || stringMember(tool, 'server_label') || type, type };
    }),
  );

const temperatureOf = (settings: readonly unknown[]): number | null => {
  const found = settings.map((part) => member(part, 'temperature') ?? null).filter((value) => value !== null);
  if (found.some((value) => typeof value !== 'number' || !Number.isFinite(value)))
    throw unreadable('temperature to be a number');
  return found.length === 0 ? null : Math.max(...found.map(Number));
};

/** An event type as the protocol spells them: it becomes a part of an operation's name. */
const TYPE = /^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*$/;

const message = (value: unknown): SocketMessage => {
  if (!isObject(value)) throw unreadable('an event to be a JSON object');
  const type = stringMember(value, 'type');
  if (type.length > 64 || !TYPE.test(type)) throw unreadable('an event to say its type');
  const settings = settingsOf(value);
  const operation: Operation = { name: `realtime.${type}`, body: 'json' };
  return {
    operation,
    reading: {
      model: settings.map((part) => stringMember(part, 'model')).find((model) => model !== '') ?? '',
      stream: true,
      maxTokens: limitOf(settings),
      n: 1,
      temperature: temperatureOf(settings),
      tools: toolsOf(settings),
      ...collectTexts(value, RULES),
    },
  };
};

/** Azure names a deployment in the place of a model. */
const MODEL_NAMES = ['model', 'deployment'] as const;

const handshake = (query: string): RequestReading => {
  const asked = new URLSearchParams(query);
  const models = MODEL_NAMES.flatMap((name) => asked.getAll(name));
  if (models.length > 1) throw unreadable('one model in the query');
  return { ...NOTHING_ASKED, stream: true, model: models[0] ?? '' };
};

/** Returns the messages of the Realtime API; `errorOf` makes the error that its SDKs show. */
export const openaiRealtime = (errorOf: SocketCodec['failure']): SocketCodec => ({
  handshake,
  message,
  failure: (refusal) => ({ type: 'error', event_id: `event_${refusal.session}`, error: errorOf(refusal) }),
});
