/** Anthropic: what a request says. */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { ANTHROPIC_PLACES } from './places.ts';
import { finiteNumber, flag, outputLimit, word } from '../numbers.ts';
import { kindAt } from '../places.ts';
import { type Attachment, collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, stringMember } from '../value.ts';

const TOP_ROLES: Readonly<Record<string, string>> = {
  system: 'system',
  messages: 'user',
  output_config: 'system',
  tools: 'tool-definition',
  mcp_servers: 'tool-definition',
};

const role = (path: readonly JsonStep[], value: unknown, around: string): string => {
  const [top] = path;
  if (path.length === 1 && typeof top === 'string') return Object.hasOwn(TOP_ROLES, top) ? (TOP_ROLES[top] ?? '') : '';
  if (top !== 'messages' || !isObject(value)) return around;
  if (path.length === 2) return stringMember(value, 'role') || around;
  // messages[i].content[j]: what a tool returned stands in a message of the user
  return path.length === 4 && stringMember(value, 'type').endsWith('tool_result') ? 'tool' : around;
};

const ATTACHMENTS: Readonly<Record<string, Attachment>> = {
  image: 'images',
  document: 'files',
  container_upload: 'files',
};

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(ANTHROPIC_PLACES, path, text, document),
  role,
  attachment(path: readonly JsonStep[], object: JsonObject) {
    const type = stringMember(object, 'type');
    return path[0] === 'messages' && Object.hasOwn(ATTACHMENTS, type) ? (ATTACHMENTS[type] ?? null) : null;
  },
  holdsTokenIds: () => false,
};

/** A tool of the caller's own has no type or `custom`; the others are the server's. */
const toolIn = (definition: unknown): Tool => {
  const type = stringMember(definition, 'type');
  return {
    name: stringMember(definition, 'name') || type,
    type: type === '' || type === 'custom' ? 'function' : type,
  };
};

const toolsOf = (body: JsonObject): readonly Tool[] => [
  ...itemsOf(body['tools']).map(toolIn),
  ...itemsOf(body['mcp_servers']).map((server) => ({ name: stringMember(server, 'name'), type: 'mcp' })),
];

/** Returns what a body of messages or count_tokens says. Throws Failure `body-unreadable` when it contradicts the API. */
export const readAnthropicRequest = (body: unknown): RequestReading => {
  if (!isObject(body))
    throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
  return {
    model: word(body, 'model'),
    stream: flag(body, 'stream'),
    maxTokens: outputLimit(body),
    n: 1,
    temperature: finiteNumber(body, 'temperature'),
    tools: toolsOf(body),
    ...collectTexts(body, RULES),
  };
};
