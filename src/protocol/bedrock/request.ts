/** Bedrock: what a request says. Converse has one form; InvokeModel takes what the vendor of the model takes. */

import type { JsonStep, RequestReading, Tool } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import { readAnthropicRequest } from '../anthropic/request.ts';
import { BEDROCK_PLACES } from './places.ts';
import { finiteNumber, outputLimit, wholeNumber } from '../numbers.ts';
import { kindAt } from '../places.ts';
import { type Attachment, collectTexts, type TextRules } from '../texts.ts';
import { isObject, itemsOf, type JsonObject, member, stringMember } from '../value.ts';

const TOP_ROLES: Readonly<Record<string, string>> = {
  messages: 'user',
  system: 'system',
  prompt: 'user',
  inputText: 'user',
  toolConfig: 'tool-definition',
  tools: 'tool-definition',
};

const ATTACHMENTS: Readonly<Record<string, Attachment>> = {
  image: 'images',
  audio: 'audios',
  document: 'files',
  video: 'files',
};

const RULES: TextRules = {
  kind: (path, text, document) => kindAt(BEDROCK_PLACES, path, text, document),
  role(path: readonly JsonStep[], value: unknown, around: string) {
    const [top] = path;
    if (path.length === 1 && typeof top === 'string')
      return Object.hasOwn(TOP_ROLES, top) ? (TOP_ROLES[top] ?? '') : '';
    if (top !== 'messages') return around;
    if (path.length === 2) return stringMember(value, 'role') || around;
    return path.at(-1) === 'toolResult' ? 'tool' : around;
  },
  attachment(path: readonly JsonStep[], object: JsonObject) {
    const last = path.at(-1);
    if (path[0] !== 'messages' || typeof last !== 'string' || !Object.hasOwn(ATTACHMENTS, last)) return null;
    return Object.hasOwn(object, 'source') ? (ATTACHMENTS[last] ?? null) : null;
  },
  holdsTokenIds: () => false,
};

const objectIn = (holder: JsonObject, name: string): JsonObject => {
  const found = member(holder, name) ?? {};
  if (isObject(found)) return found;
  throw new Failure('body-unreadable', `expected ${name} to be an object`, {
    detail: `Expected ${name} in an object.`,
  });
};

/** How the vendors of models spell the output limit, beside what `outputLimit` knows. */
const LIMITS = ['maxTokens', 'maxTokenCount', 'max_gen_len', 'max_completion_tokens', 'max_length'] as const;

const limitsIn = (settings: JsonObject): readonly number[] =>
  [outputLimit(settings), ...LIMITS.map((name) => wholeNumber(settings, name))]
    .filter((limit) => limit !== null)
    .map((limit) => (limit < 0 ? Number.MAX_SAFE_INTEGER : limit));

/** The largest limit that stands anywhere: which one counts is up to the model. */
const largest = (limits: readonly number[]): number | null => (limits.length === 0 ? null : Math.max(...limits));

const toolIn = (definition: unknown): Tool => {
  const spec = member(definition, 'toolSpec') ?? member(definition, 'systemTool') ?? member(definition, 'function');
  return { name: stringMember(spec, 'name') || stringMember(definition, 'name'), type: 'function' };
};

const toolsOf = (body: JsonObject): readonly Tool[] =>
  [...itemsOf(member(body['toolConfig'], 'tools')), ...itemsOf(body['tools'])]
    .filter((definition) => member(definition, 'cachePoint') === undefined)
    .map(toolIn);

const readConverse = (body: JsonObject): RequestReading => {
  const inference = objectIn(body, 'inferenceConfig');
  const vendor = objectIn(body, 'additionalModelRequestFields');
  return {
    model: '',
    stream: false,
    maxTokens: largest([...limitsIn(inference), ...limitsIn(vendor)]),
    n: 1,
    temperature: finiteNumber(inference, 'temperature'),
    // What a vendor's model can do beside what Converse knows, for example to use a shell.
    tools: [...toolsOf(body), ...toolsOf(vendor)],
    ...collectTexts(body, RULES),
  };
};

/** Where vendors keep settings. */
const SETTINGS = ['inferenceConfig', 'textGenerationConfig', 'imageGenerationConfig'] as const;

const readVendor = (body: JsonObject): RequestReading => {
  const holders = [body, ...SETTINGS.map((name) => objectIn(body, name))];
  const temperature = holders.map((holder) => finiteNumber(holder, 'temperature')).find((value) => value !== null);
  const counts = ['n', 'num_generations', 'numberOfImages', 'numResults'] as const;
  const n = holders.flatMap((holder) => counts.map((name) => wholeNumber(holder, name) ?? 1));
  return {
    model: '',
    stream: false,
    maxTokens: largest(holders.flatMap(limitsIn)),
    n: Math.max(1, ...n),
    temperature: temperature ?? null,
    tools: toolsOf(body),
    ...collectTexts(body, RULES),
  };
};

const bodyOf = (value: unknown): JsonObject => {
  if (isObject(value)) return value;
  throw new Failure('body-unreadable', 'expected an object', { detail: 'Expected a JSON object.' });
};

/** A body that is for a model of Anthropic's names the version of its API. */
export const isAnthropic = (value: unknown): boolean => member(value, 'anthropic_version') !== undefined;

/** Returns what the body of an operation says; the model is in the path. Throws Failure `body-unreadable`. */
export const readBedrockRequest = (operation: string, value: unknown): RequestReading => {
  const body = bodyOf(value);
  const stream = operation.endsWith('-stream');
  if (operation.startsWith('converse')) return { ...readConverse(body), stream };
  if (operation.startsWith('invoke'))
    return { ...(isAnthropic(body) ? readAnthropicRequest(body) : readVendor(body)), stream };
  // Tokens of InvokeModel are counted in a body within the body, in base64: its texts would pass unread.
  if (member(body['input'], 'invokeModel') !== undefined)
    throw new Failure('body-unreadable', 'expected tokens to be counted of a converse request', {
      detail: 'Expected input.converse.',
    });
  return { ...readVendor(body), stream: false };
};
