/** What a session begins with: the call as it was decided, without its texts (those stand in the body). */

import type { CallerKind, CanonicalRequest, Caller, Facts, MaskObligation, Verdict } from '../call.ts';
import type { Reason } from '../reasons.ts';
import { keepFields, type RecordedFields } from './fields.ts';

/** What the recorder is given at the opening of a session. Not kept beyond `open`. */
export interface Opening {
  /** Wall clock, ms since the epoch. */
  readonly at: number;
  /** Monotonic clock, µs: the zero of all times in the session. */
  readonly mono: number;
  readonly caller: Caller | null;
  readonly request: CanonicalRequest;
  readonly operation: string;
  readonly model: string;
  readonly facts: Facts;
  readonly verdict: Verdict;
  readonly policyHash: string;
  /** The body as it came; null for none. */
  readonly body: Buffer | null;
  /** The masked rendering that goes upstream; null when the body goes as it came. */
  readonly forwarded: Buffer | null;
  /** The approval that the call presents; empty for none. */
  readonly approval: string;
  /** The session that this one repeats. */
  readonly replayOf?: string;
}

/** The opening as it is recorded. */
export interface OpeningRecord {
  readonly v: 1;
  readonly at: number;
  readonly caller: {
    readonly issuer: string;
    readonly subject: string;
    readonly kind: CallerKind;
    readonly groups: readonly string[];
    readonly claims: Readonly<Record<string, unknown>>;
  } | null;
  readonly request: {
    readonly method: string;
    readonly service: string;
    readonly path: string;
    readonly query: string;
    readonly fields: RecordedFields;
    readonly source: string;
  };
  readonly operation: string;
  readonly model: string;
  readonly facts: RecordedFacts;
  readonly verdict: {
    readonly effect: Verdict['effect'];
    readonly reason: Reason;
    readonly rule: string;
    readonly message: string;
    readonly mask: MaskObligation;
  };
  readonly policy: string;
  readonly approval: string;
  readonly replayOf: string;
}

/** Facts without texts: counts, sizes, names. */
export interface RecordedFacts {
  readonly stream: boolean;
  readonly maxTokens: number;
  readonly inputTokens: number;
  readonly n: number;
  readonly temperature: number;
  readonly images: number;
  readonly audios: number;
  readonly files: number;
  readonly tokenIds: number;
  readonly bodyBytes: number;
  readonly opaque: boolean;
  readonly findings: Readonly<Record<string, number>>;
  readonly texts: number;
  /** First letters of the texts' roles in their order, `-` for none; at most 256. */
  readonly roles: string;
  readonly toolCount: number;
  /** Names of the first 64 tools. */
  readonly tools: readonly string[];
}

const MAX_TOOLS = 64;
const MAX_ROLES = 256;
/** Strings out of a payload are cut here; they stand whole in the body. */
const MAX_STRING = 512;

const cut = (text: string): string => (text.length > MAX_STRING ? text.slice(0, MAX_STRING) : text);

// A caller is one object for as long as its token is remembered, and a service's verdicts repeat few rules.
const callerTexts = new WeakMap<Caller, string>();

function callerText(caller: Caller | null): string {
  if (caller === null) return 'null';
  const known = callerTexts.get(caller);
  if (known !== undefined) return known;
  const { issuer, subject, kind, groups, claims } = caller;
  const text = JSON.stringify({ issuer, subject, kind, groups, claims });
  callerTexts.set(caller, text);
  return text;
}

/** Returns the JSON text of an opening; values of the fields named in `redact` (lower case) are left out. */
export function openingText(opening: Opening, redact: ReadonlySet<string>): string {
  const { request, verdict } = opening;
  const { method, service, path, query, source } = request;
  const { effect, reason, rule, message, mask } = verdict;
  const rest = JSON.stringify({
    request: { method, service, path, query, fields: keepFields(request.rawHeaders, redact), source },
    operation: opening.operation,
    model: cut(opening.model),
    facts: recordedFacts(opening.facts),
    verdict: { effect, reason, rule, message, mask },
    policy: opening.policyHash,
    approval: cut(opening.approval),
    replayOf: opening.replayOf ?? '',
  });
  return `{"v":1,"at":${opening.at},"caller":${callerText(opening.caller)},${rest.slice(1)}`;
}

function recordedFacts(facts: Facts): RecordedFacts {
  const { texts, tools, operation: _, model: __, ...counts } = facts;
  let roles = '';
  for (let index = 0; index < texts.length && index < MAX_ROLES; index++) roles += texts[index]?.role.charAt(0) || '-';
  return {
    ...counts,
    texts: texts.length,
    roles,
    toolCount: tools.length,
    tools: tools.slice(0, MAX_TOOLS).map(({ name }) => cut(name)),
  };
}

/** Returns the opening that an authenticated frame carries. Throws on a version that is not known. */
export function readOpening(text: string): OpeningRecord {
  const value: unknown = JSON.parse(text);
  if (!isOpeningRecord(value)) throw new Error('expected an opening of version 1');
  return value;
}

// The version is enough: the frame's tag proves that this code wrote the rest.
const isOpeningRecord = (value: unknown): value is OpeningRecord =>
  typeof value === 'object' && value !== null && 'v' in value && value.v === 1;
