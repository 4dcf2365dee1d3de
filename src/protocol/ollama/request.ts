/** Ollama: what a request says. (ollama/ollama, docs/api.md and api/types.go) */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { refuseFoldedNames } from '../folded-names.ts';
import { finiteNumber, flag, outputLimit, word } from '../numbers.ts';
import { OLLAMA_PLACES } from './places.ts';
import { kindAt } from '../places.ts';
import { collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

/** Members that are read here, and that the server would find under any case. */
const READ: ReadonlySet<string> = new Set([
  'model',
  'name',
  'source',
  'destination',
  'stream',
  'options',
  'num_predict',
  'temperature',
  'tools',
  'function',
  'type',
  'messages',
  'role',
  'content',
  'prompt',
  'input',
  'context',
  'images',
  'system',
  'template',
]);

const TOP_ROLES: Readonly<Record<string, string>> = {
  messages: 'user',
  prompt: 'user',
  suffix: 'user',
  input: 'user',
  system: 'system',
  template: 'system',
  format: 'system',
  tools: 'tool-definition',
};

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(OLLAMA_PLACES, path, text, document),
  role(path: readonly JsonStep[], value: unknown, around: string) {
    const [top] = path;
    if (path.length === 1 && typeof top === 'string')
      return Object.hasOwn(TOP_ROLES, top) ? (TOP_ROLES[top] ?? '') : '';
    return top === 'messages' && path.length === 2 ? stringMember(value, 'role') || around : around;
  },
  attachment: () => null,
  holdsTokenIds: (path) => path.length === 1 && path[0] === 'context',
};

const toolIn = (definition: unknown): Tool => ({
  name: stringMember(member(definition, 'function'), 'name') || stringMember(definition, 'name'),
  type: stringMember(definition, 'type') || 'function',
});

/** Pictures stand beside the text of a message, not in parts of it. */
const imagesOf = (body: JsonObject): number =>
  [body, ...itemsOf(body['messages'])].reduce<number>(
    (sum, holder) => sum + itemsOf(member(holder, 'images')).length,
    0,
  );

/** The spelling of every object in which a setting is read. */
const checkNames = (body: JsonObject): void => {
  const tools = itemsOf(body['tools']);
  const objects = [
    body,
    body['options'],
    ...itemsOf(body['messages']),
    ...tools,
    ...tools.map((tool) => member(tool, 'function')),
  ];
  for (const object of objects) if (isObject(object)) refuseFoldedNames(object, READ);
};

/** Returns what the body of any Ollama operation says. Throws Failure `body-unreadable` when it contradicts the API. */
export const readOllamaRequest = (body: unknown): RequestReading => {
  if (!isObject(body))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  checkNames(body);
  const options = member(body, 'options') ?? {};
  if (!isObject(options))
    throw new Failure('body-unreadable', 'expected options to be an object', {
      detail: 'Expected options in an object.',
    });
  return {
    // Older clients name a model to be managed `name`; a copy has a source.
    model: word(body, 'model') || word(body, 'name') || word(body, 'source'),
    // Ollama streams unless it is told not to.
    stream: flag(body, 'stream', true),
    maxTokens: outputLimit(options),
    n: 1,
    temperature: finiteNumber(options, 'temperature'),
    tools: itemsOf(body['tools']).map(toolIn),
    ...collectTexts(body, RULES),
    images: imagesOf(body),
  };
};
