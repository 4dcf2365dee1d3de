/** Gemini: what a request says. (ai.google.dev/api; Vertex AI reads the same documents) */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { GEMINI_PLACES } from './places.ts';
import { finiteNumber, wholeNumber } from '../numbers.ts';
import { kindAt } from '../places.ts';
import { protoMember, protoMembers, protoObject } from '../grpc/protojson.ts';
import { type Attachment, collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, stringMember } from '../value.ts';

const TOP_ROLES: Readonly<Record<string, string>> = {
  contents: 'user',
  content: 'user',
  requests: 'user',
  instances: 'user',
  systemInstruction: 'system',
  system_instruction: 'system',
  tools: 'tool-definition',
};

/** The model's own turns, and what functions returned. */
const ROLES: Readonly<Record<string, string>> = { model: 'assistant', function: 'tool' };

const RESULTS: ReadonlySet<JsonStep> = new Set([
  'functionResponse',
  'function_response',
  'codeExecutionResult',
  'code_execution_result',
]);

const role = (path: readonly JsonStep[], value: unknown, around: string): string => {
  const [top] = path;
  const last = path.at(-1);
  if (path.length === 1 && typeof top === 'string') return Object.hasOwn(TOP_ROLES, top) ? (TOP_ROLES[top] ?? '') : '';
  if (last !== undefined && RESULTS.has(last)) return 'tool';
  if (path.length !== 2 || top !== 'contents' || !isObject(value)) return around;
  const said = stringMember(value, 'role');
  return Object.hasOwn(ROLES, said) ? (ROLES[said] ?? around) : said || around;
};

const INLINE: ReadonlySet<JsonStep> = new Set(['inlineData', 'inline_data']);
const FILE: ReadonlySet<JsonStep> = new Set(['fileData', 'file_data']);

const attachment = (path: readonly JsonStep[], object: JsonObject): Attachment | null => {
  const last = path.at(-1);
  if (last === undefined || path.some((step) => GEMINI_PLACES.free.has(String(step)))) return null;
  if (FILE.has(last)) return 'files';
  if (!INLINE.has(last)) return null;
  const type = stringMember(protoMembers(object, ['mimeType']), 'mimeType');
  if (type.startsWith('image/')) return 'images';
  return type.startsWith('audio/') ? 'audios' : 'files';
};

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(GEMINI_PLACES, path, text, document),
  role,
  attachment,
  holdsTokenIds: () => false,
};

/** An entry of `tools` offers functions of the caller's own, or names what the server can do by its member. */
const toolsIn = (entry: unknown): readonly Tool[] => {
  const own = itemsOf(protoMember(entry, 'functionDeclarations')).map((definition) => ({
    name: stringMember(definition, 'name'),
    type: 'function',
  }));
  const others = Object.keys(isObject(entry) ? entry : {}).filter((name) => !/^function_?declarations$/i.test(name));
  return [...own, ...others.map((name) => ({ name, type: name }))];
};

/** Returns what the body of any operation says. Throws Failure `body-unreadable` when it contradicts the API. */
export const readGeminiRequest = (body: unknown, stream: boolean): RequestReading => {
  if (!isObject(body))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  // Tokens are counted for a request that stands whole in another one.
  const asked = protoObject(body, 'generateContentRequest');
  const holder = Object.keys(asked).length > 0 ? asked : body;
  const settings = protoMembers(protoObject(holder, 'generationConfig'), [
    'maxOutputTokens',
    'candidateCount',
    'temperature',
  ]);
  const limit = wholeNumber(settings, 'maxOutputTokens');
  return {
    model: stringMember(body, 'model').replace(/^models\//, ''),
    stream,
    maxTokens: limit !== null && limit < 0 ? Number.MAX_SAFE_INTEGER : limit,
    n: Math.max(1, wholeNumber(settings, 'candidateCount') ?? 1),
    temperature: finiteNumber(settings, 'temperature'),
    tools: itemsOf(protoMember(holder, 'tools')).flatMap(toolsIn),
    ...collectTexts(body, RULES),
  };
};
