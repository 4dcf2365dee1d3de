/** JSON over HTTP of any shape: every string is text, and settings are read where they stand under a usual name. */

import type { RequestReading } from '../call.ts';
import { type Codec, PROBLEM_JSON, type Operation } from './codec.ts';
import { LIMIT_NAMES } from './numbers.ts';
import { sse } from './sse.ts';
import { collectTexts, type TextRules } from './texts.ts';
import { member, stringMember } from './value.ts';

const NO_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

const RULES: TextRules = {
  kind: () => 'text',
  role: () => '',
  attachment: () => null,
  holdsTokenIds: () => false,
};

const numberIn = (body: unknown, name: string): number | null => {
  const value = member(body, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

/** Nothing says what the members of an unknown protocol mean: one of another type than expected is not a setting. */
const read = (body: unknown): RequestReading => {
  const limits = LIMIT_NAMES.map((name) => numberIn(body, name)).filter((limit) => limit !== null);
  const n = numberIn(body, 'n');
  return {
    model: stringMember(body, 'model'),
    stream: member(body, 'stream') === true,
    maxTokens: limits.length === 0 ? null : Math.max(...limits.map(unlimited)),
    n: n !== null && Number.isSafeInteger(n) && n > 1 ? n : 1,
    temperature: numberIn(body, 'temperature'),
    tools: [],
    ...collectTexts(body, RULES),
  };
};

const unlimited = (limit: number): number =>
  Number.isSafeInteger(limit) && limit >= 0 ? limit : Number.MAX_SAFE_INTEGER;

/** The codec of every other API. Its streams have no known shape, so a masked answer cannot be one. */
export const http: Codec = {
  protocol: 'http',
  about: {
    title: 'JSON over HTTP of any shape',
    operations: [],
    model: 'body `model`',
    reads: 'every string of a JSON document, whole',
    limits:
      'streams pass only when nothing is masked; bodies that are not JSON are refused unless the service says `opaque: allow`',
    clients: [{ name: 'any', url: 'http://HOST/NAME', token: '`Authorization: Bearer TOKEN`' }],
    witness: { kind: 'proven', by: ['RFC 8259', 'RFC 9110'] },
  },
  operation: (method): Operation => ({ name: method.toLowerCase(), body: NO_BODY.has(method) ? 'none' : 'optional' }),
  request: (_: Operation, value) => read(value),
  usage: () => null,
  kind: () => 'text',
  leaks: () => false,
  signature: () => null,
  framings: () => [sse],
  counts: () => '',
  refusalType: () => PROBLEM_JSON,
  stream: () => null,
  refusal: () => ({}),
  streamFailure: ({ reason, title, session }) => ({
    event: 'error',
    value: { error: { code: reason, message: title, session } },
  }),
};
