/** Cohere: what a request says, and where its strings are data. (docs.cohere.com, API v2) */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { finiteNumber, flag, outputLimit, word } from '../numbers.ts';
import { kindAt, type Places, type PlaceRule } from '../places.ts';
import { type Attachment, collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

const id: PlaceRule = { kind: 'id' };
const uri: PlaceRule = { kind: 'uri' };

/** Places of requests, answers and events. */
export const COHERE_PLACES: Places = {
  rules: {
    id,
    model: id,
    tool_call_id: id,
    generation_id: id,
    url: uri,
    images: uri,
    image: uri,
    arguments: { kind: 'json' },
  },
  free: new Set([
    'data',
    'document',
    'documents',
    'fields',
    'metadata',
    'parameters',
    'json_schema',
    'schema',
    'tool_output',
  ]),
};

const TOP_ROLES: Readonly<Record<string, string>> = {
  messages: 'user',
  documents: 'tool',
  query: 'user',
  texts: 'user',
  inputs: 'user',
  text: 'user',
  tools: 'tool-definition',
};

const ATTACHMENTS: Readonly<Record<string, Attachment>> = { image_url: 'images', image: 'images' };

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(COHERE_PLACES, path, text, document),
  role(path: readonly JsonStep[], value: unknown, around: string) {
    const [top] = path;
    if (path.length === 1 && typeof top === 'string')
      return Object.hasOwn(TOP_ROLES, top) ? (TOP_ROLES[top] ?? '') : '';
    return top === 'messages' && path.length === 2 ? stringMember(value, 'role') || around : around;
  },
  attachment(path: readonly JsonStep[], object: JsonObject) {
    const type = stringMember(object, 'type');
    return path[0] !== 'documents' && Object.hasOwn(ATTACHMENTS, type) ? (ATTACHMENTS[type] ?? null) : null;
  },
  holdsTokenIds: (path) => path.length === 1 && path[0] === 'tokens',
};

const toolIn = (definition: unknown): Tool => ({
  name: stringMember(member(definition, 'function'), 'name') || stringMember(definition, 'name'),
  type: stringMember(definition, 'type') || 'function',
});

/** Returns what the body of any operation says. Throws Failure `body-unreadable` when it contradicts the API. */
export const readCohereRequest = (body: unknown): RequestReading => {
  if (!isObject(body))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  const collected = collectTexts(body, RULES);
  return {
    model: word(body, 'model'),
    stream: flag(body, 'stream'),
    maxTokens: outputLimit(body),
    n: 1,
    temperature: finiteNumber(body, 'temperature'),
    tools: itemsOf(body['tools']).map(toolIn),
    ...collected,
    images: collected.images + itemsOf(body['images']).length,
  };
};
