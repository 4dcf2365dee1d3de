/** OpenAI: what a request says. (openai/openai-openapi, openapi.yaml; vLLM and llama.cpp add members of their own) */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { finiteNumber, flag, outputLimit, wholeNumber, word } from '../numbers.ts';
import { OPENAI_PLACES } from './places.ts';
import { kindAt } from '../places.ts';
import { type Attachment, collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

/** Roles of what stands directly in the body. What is not listed has none. */
const TOP_ROLES: Readonly<Record<string, string>> = {
  messages: 'user',
  input: 'user',
  prompt: 'user',
  suffix: 'user',
  prediction: 'assistant',
  instructions: 'system',
  text: 'system',
  response_format: 'system',
  tools: 'tool-definition',
  functions: 'tool-definition',
};

/** Items of a responses input that say no role: who wrote them. */
const itemRole = (item: JsonObject): string => {
  const role = stringMember(item, 'role');
  if (role !== '') return role;
  const type = stringMember(item, 'type');
  if (type.endsWith('_output')) return 'tool';
  if (type === 'additional_tools' || type === 'mcp_list_tools') return 'tool-definition';
  return type === '' || type === 'message' ? 'user' : 'assistant';
};

/** Members of an input item that hold what a tool returned. */
const RESULTS: ReadonlySet<JsonStep> = new Set(['output', 'outputs', 'results']);

const role = (path: readonly JsonStep[], value: unknown, around: string): string => {
  const [top, position, third] = path;
  if (path.length === 1 && typeof top === 'string') return Object.hasOwn(TOP_ROLES, top) ? (TOP_ROLES[top] ?? '') : '';
  if (top !== 'messages' && top !== 'input') return around;
  if (path.length === 2 && typeof position === 'number' && isObject(value)) return itemRole(value);
  if (path.length !== 3 || third === undefined) return around;
  if (third === 'tools') return 'tool-definition';
  return RESULTS.has(third) ? 'tool' : around;
};

const ATTACHMENT_TYPES: Readonly<Record<string, Attachment>> = {
  image_url: 'images',
  input_image: 'images',
  computer_screenshot: 'images',
  input_audio: 'audios',
  audio_url: 'audios',
  file: 'files',
  input_file: 'files',
  video_url: 'files',
};

/** Servers accept parts without a type and go by the member that they find. */
const ATTACHMENT_MEMBERS = Object.entries(ATTACHMENT_TYPES);

const attachment = (path: readonly JsonStep[], object: JsonObject): Attachment | null => {
  if (path[0] !== 'messages' && path[0] !== 'input') return null;
  const type = stringMember(object, 'type');
  if (Object.hasOwn(ATTACHMENT_TYPES, type)) return ATTACHMENT_TYPES[type] ?? null;
  if (type !== '') return null;
  return ATTACHMENT_MEMBERS.find(([name]) => Object.hasOwn(object, name))?.[1] ?? null;
};

const TOKEN_ID_MEMBERS: ReadonlySet<JsonStep> = new Set(['prompt', 'input', 'prompt_token_ids', 'tokens']);

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(OPENAI_PLACES, path, text, document),
  role,
  attachment,
  // [1, 2] or [[1, 2], [3]]
  holdsTokenIds: ([top]) => top !== undefined && TOKEN_ID_MEMBERS.has(top),
};

/**
 * Returns the tools that one definition offers: itself and, for a namespace, what it holds. A definition that names
 * itself twice (the ways of chat and of responses at once) offers both: servers differ in which name they read.
 */
const toolsIn = (definition: unknown): readonly Tool[] => {
  const type = stringMember(definition, 'type') || 'function';
  const names = new Set([stringMember(member(definition, type), 'name'), stringMember(definition, 'name')]);
  names.delete('');
  if (names.size === 0) names.add(stringMember(definition, 'server_label') || type);
  const inner = itemsOf(member(definition, 'tools')).flatMap(toolsIn);
  return [...[...names].map((name) => ({ name, type })), ...inner];
};

const toolsOf = (body: JsonObject): readonly Tool[] => {
  const items = itemsOf(body['input']);
  return [body, ...items].flatMap((holder) =>
    [...itemsOf(member(holder, 'tools')), ...itemsOf(member(holder, 'functions'))].flatMap(toolsIn),
  );
};

/** Returns what the body of any OpenAI operation says. Throws Failure `body-unreadable` when it contradicts the API. */
export const readOpenaiRequest = (body: unknown): RequestReading => {
  if (!isObject(body))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  return {
    model: word(body, 'model'),
    stream: flag(body, 'stream'),
    maxTokens: outputLimit(body),
    n: Math.max(1, wholeNumber(body, 'n') ?? 1, wholeNumber(body, 'best_of') ?? 1),
    temperature: finiteNumber(body, 'temperature'),
    tools: toolsOf(body),
    ...collectTexts(body, RULES),
  };
};
