/** What a session begins with: the call as it was decided, without its texts (those stand in the body). */

import type {
  CallerKind,
  CanonicalRequest,
  Caller,
  Classified,
  Facts,
  FoundAt,
  MaskObligation,
  Tensor,
  Trip,
  Verdict,
} from '../call.ts';
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
  /** The first findings; missing for none. */
  readonly found?: readonly FoundAt[];
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

/** The part of an opening that ledger and index are made from: event `o`. */
export interface OpeningSummary {
  readonly v: 1;
  readonly at: number;
  readonly caller: { readonly issuer: string; readonly subject: string; readonly kind: CallerKind } | null;
  readonly service: string;
  readonly operation: string;
  readonly model: string;
  readonly facts: RecordedFacts;
  readonly effect: Verdict['effect'];
  readonly reason: Reason;
  readonly rule: string;
  /** Which of several operations decided, from 0; 0 for a call of one. */
  readonly decided: number;
  readonly policy: string;
  readonly approval: string;
  readonly replayOf: string;
}

/** The rest of an opening, for who looks at the session: event `c`. */
export interface OpeningDetails {
  readonly caller: {
    readonly groups: readonly string[];
    readonly claims: Readonly<Record<string, unknown>>;
  } | null;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly source: string;
  readonly fields: RecordedFields;
  readonly message: string;
  readonly mask: MaskObligation;
  /** The first findings of the request; missing for none. */
  readonly found?: readonly FoundAt[];
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
  readonly management: boolean;
  readonly findings: Readonly<Record<string, number>>;
  /** What classifiers said of the request, by name; missing where none was to look. */
  readonly classified?: Readonly<Record<string, Classified>>;
  readonly texts: number;
  /** First letters of the texts' roles in their order, `-` for none; at most 256. */
  readonly roles: string;
  readonly toolCount: number;
  /** Names of the first 64 tools. */
  readonly tools: readonly string[];
  readonly tensorCount: number;
  /** The first 64 tensors, as `NAME DATATYPE [SHAPE] BYTES`, and `@REGION` where the data is in shared memory. */
  readonly tensors: readonly string[];
  /** How many operations the call holds. */
  readonly operations: number;
  /** Dangerous commands, kind → count; missing where no rule looked for them. */
  readonly commands?: Readonly<Record<string, number>>;
  /** What looks like an injection; missing where no rule looked for it. */
  readonly injection?: { readonly score: number; readonly kinds: Readonly<Record<string, number>> };
  /** The first of these, commands ahead: what, whose text it stands in, and a keyed digest of it. Missing for none. */
  readonly tripped?: readonly { readonly kind: string; readonly place: string; readonly digest: string }[];
}

const MAX_TOOLS = 64;
const MAX_TENSORS = 64;
const MAX_ROLES = 256;
const MAX_TRIPPED = 64;
/** Strings out of a payload are cut here; they stand whole in the body. */
const MAX_STRING = 512;

const cut = (text: string): string => (text.length > MAX_STRING ? text.slice(0, MAX_STRING) : text);

interface CallerTexts {
  readonly summary: string;
  readonly details: string;
}

const NOBODY: CallerTexts = { summary: 'null', details: 'null' };

// A caller is one object for as long as its token is remembered: its JSON is made once.
const callers = new WeakMap<Caller, CallerTexts>();

function callerTexts(caller: Caller | null): CallerTexts {
  if (caller === null) return NOBODY;
  const known = callers.get(caller);
  if (known !== undefined) return known;
  const { issuer, subject, kind, groups, claims } = caller;
  const texts = { summary: JSON.stringify({ issuer, subject, kind }), details: JSON.stringify({ groups, claims }) };
  callers.set(caller, texts);
  return texts;
}

/** Returns the JSON text of an opening's summary. */
export function summaryText(opening: Opening): string {
  const { verdict } = opening;
  const rest = JSON.stringify({
    service: opening.request.service,
    operation: opening.operation,
    model: cut(opening.model),
    facts: recordedFacts(opening.facts),
    effect: verdict.effect,
    reason: verdict.reason,
    rule: verdict.rule,
    decided: verdict.at ?? 0,
    policy: opening.policyHash,
    approval: cut(opening.approval),
    replayOf: opening.replayOf ?? '',
  });
  return `{"v":1,"at":${opening.at},"caller":${callerTexts(opening.caller).summary},${rest.slice(1)}`;
}

/** Returns the JSON text of an opening's details; values of the fields named in `redact` (lower case) are left out. */
export function detailsText({ caller, request, verdict, found = [] }: Opening, redact: ReadonlySet<string>): string {
  const rest = JSON.stringify({
    method: request.method,
    path: request.path,
    query: request.query,
    source: request.source,
    fields: keepFields(request.rawHeaders, redact),
    message: verdict.message,
    mask: verdict.mask,
    ...(found.length === 0 ? {} : { found }),
  });
  return `{"caller":${callerTexts(caller).details},${rest.slice(1)}`;
}

const NOBODY_LOOKED = {};
const NO_TENSORS: readonly string[] = [];

const tensorText = ({ name, datatype, shape, bytes, region }: Tensor): string =>
  cut(`${name} ${datatype} [${shape.join()}] ${bytes}${region === '' ? '' : ` @${region}`}`);

// Member by member: a rest pattern over these costs more than writing the JSON.
function recordedFacts(facts: Facts): RecordedFacts {
  const { texts, tools, tensors } = facts;
  let roles = '';
  for (let index = 0; index < texts.length && index < MAX_ROLES; index++) roles += texts[index]?.role.charAt(0) || '-';
  return {
    stream: facts.stream,
    maxTokens: facts.maxTokens,
    inputTokens: facts.inputTokens,
    n: facts.n,
    temperature: facts.temperature,
    images: facts.images,
    audios: facts.audios,
    files: facts.files,
    tokenIds: facts.tokenIds,
    bodyBytes: facts.bodyBytes,
    opaque: facts.opaque,
    management: facts.management,
    findings: facts.findings,
    ...(facts.classified === undefined ? NOBODY_LOOKED : { classified: facts.classified }),
    texts: texts.length,
    roles,
    toolCount: tools.length,
    tools: tools.slice(0, MAX_TOOLS).map(({ name }) => cut(name)),
    tensorCount: tensors.length,
    operations: facts.operations,
    tensors: tensors.length === 0 ? NO_TENSORS : tensors.slice(0, MAX_TENSORS).map(tensorText),
    ...lookedFor(facts),
  };
}

const byKind = (trips: readonly Trip[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { kind } of trips) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};

const trippedBy = (trips: readonly Trip[]): NonNullable<RecordedFacts['tripped']> =>
  trips
    .flatMap(({ kind, place, digest }) => (digest === undefined ? [] : [{ kind, place, digest }]))
    .slice(0, MAX_TRIPPED);

/** What nobody looked for is not told as not found. */
const lookedFor = ({ closer }: Facts): Pick<RecordedFacts, 'commands' | 'injection' | 'tripped'> => {
  const { commands, injection } = closer.looked();
  const tripped = trippedBy([...(commands ?? []), ...(injection?.evidence ?? [])]);
  return {
    ...(commands === undefined ? {} : { commands: byKind(commands) }),
    ...(injection === undefined ? {} : { injection: { score: injection.score, kinds: byKind(injection.evidence) } }),
    ...(tripped.length === 0 ? {} : { tripped }),
  };
};

/** Returns the summary that an authenticated frame carries. Throws on a version that is not known. */
export function readSummary(text: string): OpeningSummary {
  const value: unknown = JSON.parse(text);
  if (!isSummary(value)) throw new Error('expected an opening of version 1');
  return value;
}

// The version is enough: the frame's tag proves that this code wrote the rest.
const isSummary = (value: unknown): value is OpeningSummary =>
  typeof value === 'object' && value !== null && 'v' in value && value.v === 1;

/** Returns the details that an authenticated frame carries, beside a summary whose version is known. */
export function readDetails(text: string): OpeningDetails {
  const value: unknown = JSON.parse(text);
  if (!isDetails(value)) throw new Error('expected the details of an opening');
  return value;
}

const isDetails = (value: unknown): value is OpeningDetails =>
  typeof value === 'object' && value !== null && 'fields' in value;
