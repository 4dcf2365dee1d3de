/**
 * HTTP of any shape: JSON, JSON lines and plain text. Every string is text, unless the service says which are; settings
 * are read where they stand under a usual name.
 */

import type { JsonStep, RequestReading } from '../call.ts';
import { compileSelectors } from '../selectors.ts';
import { type Codec, PROBLEM_JSON, type Operation, type StringKind } from './codec.ts';
import { freeContent } from './free-body.ts';
import { fragmentStream } from './http-stream.ts';
import { ndjson } from './framing/ndjson.ts';
import { LIMIT_NAMES } from './numbers.ts';
import { sse } from './framing/sse.ts';
import { collectTexts, type TextRules } from './texts.ts';
import { member, stringMember } from './value.ts';

/** What a service says of its own protocol. */
export interface HttpPlaces {
  /** Selectors of the strings that are text; all are when it is missing. */
  readonly texts?: readonly string[] | undefined;
  /** Selectors of the strings of a stream that go on from event to event; streams are of no known shape when it is missing. */
  readonly fragments?: readonly string[] | undefined;
}

const NO_BODY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

const numberIn = (body: unknown, name: string): number | null => {
  const value = member(body, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

const unlimited = (limit: number): number =>
  Number.isSafeInteger(limit) && limit >= 0 ? limit : Number.MAX_SAFE_INTEGER;

/** Nothing says what the members of an unknown protocol mean: one of another type than expected is not a setting. */
const read = (body: unknown, rules: TextRules): RequestReading => {
  const limits = LIMIT_NAMES.map((name) => numberIn(body, name)).filter((limit) => limit !== null);
  const n = numberIn(body, 'n');
  return {
    model: stringMember(body, 'model'),
    stream: member(body, 'stream') === true,
    maxTokens: limits.length === 0 ? null : Math.max(...limits.map(unlimited)),
    n: n !== null && Number.isSafeInteger(n) && n > 1 ? n : 1,
    temperature: numberIn(body, 'temperature'),
    tools: [],
    ...collectTexts(body, rules),
  };
};

/** Returns the codec of a service that speaks HTTP of its own shape. Throws SelectorError. */
export const httpCodec = ({ texts, fragments }: HttpPlaces): Codec => {
  const isText = texts === undefined ? null : compileSelectors(texts);
  const isFragment = fragments === undefined ? null : compileSelectors(fragments);
  // a body that is one text has no places; what grows is text, or it would not be followed; and a text may hold JSON
  const kindOf = (path: readonly JsonStep[]): StringKind =>
    isText === null || path.length === 0 || isText(path) || isFragment?.(path) === true ? 'json' : 'data';
  const rules: TextRules = {
    kind: kindOf,
    role: () => '',
    attachment: () => null,
    holdsTokenIds: () => false,
  };
  return {
    protocol: 'http',
    about: {
      title: 'HTTP of any shape: JSON, JSON lines, plain text',
      operations: [],
      model: 'body `model`',
      reads:
        'every string of a JSON document, or those that `texts` of the service selects; every line of JSON lines; plain text as a whole',
      limits:
        'streams (`sse`, `ndjson`) are masked only when `fragments` of the service says which of their strings go on from event to event (`[]` for none), and are refused else; bodies of another type are refused unless the service says `opaque: allow`',
      clients: [{ name: 'any', url: 'http://HOST/NAME', token: '`Authorization: Bearer TOKEN`' }],
      witness: { kind: 'proven', by: ['RFC 8259', 'RFC 9110', 'RFC 6901', 'RFC 9535'] },
    },
    operation: (method): Operation => ({ name: method.toLowerCase(), body: NO_BODY.has(method) ? 'none' : 'optional' }),
    request: (_: Operation, value) => read(value, rules),
    content: (operation, body) =>
      freeContent({ operation, nonFinite: false, read: (value) => read(value, rules) }, body, ['text', 'ndjson']),
    usage: () => null,
    kind: (_: Operation, path) => kindOf(path),
    leaks: () => false,
    framings: () => [sse, ndjson],
    counts: () => '',
    refusalType: () => PROBLEM_JSON,
    stream: () => (isFragment === null ? null : fragmentStream(isFragment)),
    refusal: () => ({}),
    streamFailure: ({ reason, title, session }) => ({
      event: 'error',
      value: { error: { code: reason, message: title, session } },
    }),
  };
};

/** The codec of services that say nothing of their shape. */
export const http: Codec = httpCodec({});
