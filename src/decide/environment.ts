/** What conditions can read: `caller`, `call` and `now`. Every field always has a value (DESIGN.md "Facts never go missing"). */

import type {
  AnswerFacts,
  Caller,
  CanonicalRequest,
  Classified,
  Evidence,
  Facts,
  Injection,
  Tensor,
  Text,
  Tool,
  ToolCall,
  Trip,
} from '../call.ts';
import { configSchema } from '../config.ts';
import { ENTITIES } from '../detect/entities.ts';
import type { Environment } from './cel/part.ts';
import {
  BOOL,
  DOUBLE,
  DYN,
  field,
  type FieldOf,
  INT,
  listOf,
  mapOf,
  type ScalarType,
  STRING,
  structOf,
  Timestamp,
  TIMESTAMP,
} from './cel/type.ts';
import { fromJson } from './cel/value.ts';

/** One call as policies see it. */
export interface Subject {
  readonly caller: Caller;
  readonly request: CanonicalRequest & { readonly protocol: string };
  readonly facts: Facts;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** Missing until there is an answer: only rules on answers can read it. */
  readonly answer?: AnswerFacts;
}

const KINDS: ScalarType<string> = {
  kind: 'scalar',
  name: 'string',
  words: { noun: 'kind of caller', words: ['human', 'workload', 'agent'] },
};

const PROTOCOLS: ScalarType<string> = {
  kind: 'scalar',
  name: 'string',
  words: { noun: 'protocol', words: configSchema.shape.services.element.shape.protocol.options },
};

const namesOf = (services: readonly string[]): ScalarType<string> => ({
  kind: 'scalar',
  name: 'string',
  words: { noun: 'service', words: services },
});

// Remembered with what it is made of: a caller is one object for as long as its token is, and most calls have no finding.
const claimMaps = new WeakMap<Caller, ReadonlyMap<string, unknown>>();
const findingMaps = new WeakMap<Facts['findings'], ReadonlyMap<string, bigint>>();

const argumentValues = new WeakMap<ToolCall, unknown>();

const remembered = <K extends object, V>(known: WeakMap<K, V>, key: K, make: (key: K) => V): V => {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make(key);
  known.set(key, made);
  return made;
};

const claimsOf = ({ claims }: Caller): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(claims).map(([name, value]) => [name, fromJson(value)]));

/** Counts by kind, and by entity for kinds such as `secret.github`: `secret` counts them all. */
const countsOf = (findings: Facts['findings']): ReadonlyMap<string, bigint> => {
  const counts = new Map<string, bigint>();
  for (const [kind, count] of Object.entries(findings)) {
    const entity = kind.split('.', 1)[0] ?? kind;
    for (const name of new Set([kind, entity])) counts.set(name, (counts.get(name) ?? 0n) + BigInt(count));
  }
  return counts;
};

const CALLER = structOf<Caller>('caller', {
  issuer: field(STRING, ({ issuer }) => issuer),
  subject: field(STRING, ({ subject }) => subject),
  kind: field(KINDS, ({ kind }) => kind),
  groups: field(listOf(STRING), ({ groups }) => groups),
  claims: field(mapOf(STRING, DYN), (caller) => remembered(claimMaps, caller, claimsOf)),
});

const TEXT = structOf<Text>('text', {
  role: field(STRING, ({ role }) => role),
  text: field(STRING, ({ text }) => text),
});

const TOOL = structOf<Tool>('tool', {
  name: field(STRING, ({ name }) => name),
  type: field(STRING, ({ type }) => type),
});

const TOOL_CALL = structOf<ToolCall>('tool_call', {
  name: field(STRING, ({ name }) => name),
  arguments: field(DYN, (call) => remembered(argumentValues, call, ({ arguments: given }) => fromJson(given))),
});

const TRIP_FIELDS = {
  kind: field(STRING, ({ kind }: Trip) => kind),
  place: field(STRING, ({ place }: Trip) => place),
  start: field(INT, ({ start }: Trip) => BigInt(start)),
  end: field(INT, ({ end }: Trip) => BigInt(end)),
};

const COMMAND = structOf<Trip>('command', TRIP_FIELDS);

const EVIDENCE = structOf<Evidence>('evidence', {
  ...TRIP_FIELDS,
  score: field(DOUBLE, ({ score }: Evidence) => score),
});

const INJECTION = structOf<Injection>('injection', {
  score: field(DOUBLE, ({ score }) => score),
  evidence: field(listOf(EVIDENCE), ({ evidence }) => evidence),
});

const TENSOR = structOf<Tensor>('tensor', {
  name: field(STRING, ({ name }) => name),
  datatype: field(STRING, ({ datatype }) => datatype),
  shape: field(listOf(INT), ({ shape }) => shape.map(BigInt)),
  bytes: field(INT, ({ bytes }) => BigInt(bytes)),
  region: field(STRING, ({ region }) => region),
});

/** What `call.findings` can count, beside what the operator's own detectors find: entities (`secret`) and the precise kinds (`secret.github`). */
const FINDINGS = [...new Set(ENTITIES.flatMap(({ name, kinds }) => [name, ...kinds]))];

const countsBy = (own: readonly string[]) => ({
  ...mapOf(STRING, INT),
  counts: { noun: 'entity', words: [...FINDINGS, ...own] },
});

// A number of ours is an int whatever it is: no policy has to think of doubles.
const count = (read: (facts: Facts) => number) => field(INT, ({ facts }: Subject) => BigInt(read(facts)));

const OUTCOMES: ScalarType<string> = {
  kind: 'scalar',
  name: 'string',
  words: { noun: 'outcome', words: ['passed', 'flagged', 'failed', 'skipped'] },
};

const CLASSIFIED = structOf<Classified | undefined>('classified', {
  outcome: field(OUTCOMES, (classified) => classified?.outcome ?? 'skipped'),
  flagged: field(BOOL, (classified) => classified?.outcome === 'flagged'),
  labels: field(listOf(STRING), (classified) => classified?.labels ?? NO_LABELS),
  score: field(DOUBLE, (classified) => classified?.score ?? 0),
});

const NO_LABELS: readonly string[] = [];

type ByName = Readonly<Record<string, Classified>> | undefined;

/** Every classifier of the config has a value: that it was skipped, where it did not look. */
const classifiedBy = (classifiers: readonly string[]) =>
  structOf<ByName>(
    'classifiers',
    Object.fromEntries(classifiers.map((name) => [name, field(CLASSIFIED, (all: ByName) => all?.[name])])),
  );

const callOf = ({ services, own, classifiers = [] }: Named) =>
  structOf<Subject>('call', {
    service: field(namesOf(services), ({ request }) => request.service),
    protocol: field(PROTOCOLS, ({ request }) => request.protocol),
    method: field(STRING, ({ request }) => request.method),
    path: field(STRING, ({ request }) => request.path),
    query: field(STRING, ({ request }) => request.query),
    source: field(STRING, ({ request }) => request.source),
    operation: field(STRING, ({ facts }) => facts.operation),
    model: field(STRING, ({ facts }) => facts.model),
    stream: field(BOOL, ({ facts }) => facts.stream),
    texts: field(listOf(TEXT), ({ facts }) => facts.texts),
    tools: field(listOf(TOOL), ({ facts }) => facts.tools),
    tool_calls: field(listOf(TOOL_CALL), ({ facts }) => facts.closer.toolCalls),
    commands: field(listOf(COMMAND), ({ facts }) => facts.closer.commands),
    injection: field(INJECTION, ({ facts }) => facts.closer.injection),
    tensors: field(listOf(TENSOR), ({ facts }) => facts.tensors),
    max_tokens: count((facts) => facts.maxTokens),
    input_tokens: count((facts) => facts.inputTokens),
    n: count((facts) => facts.n),
    temperature: field(DOUBLE, ({ facts }) => facts.temperature),
    images: count((facts) => facts.images),
    audios: count((facts) => facts.audios),
    files: count((facts) => facts.files),
    token_ids: count((facts) => facts.tokenIds),
    body_bytes: count((facts) => facts.bodyBytes),
    opaque: field(BOOL, ({ facts }) => facts.opaque),
    management: field(BOOL, ({ facts }) => facts.management),
    operations: count((facts) => facts.operations),
    findings: field(countsBy(own), ({ facts }) => remembered(findingMaps, facts.findings, countsOf)),
    classified: field(classifiedBy(classifiers), ({ facts }) => facts.classified),
  });

const answerOf = ({ own, classifiers = [] }: Named) =>
  structOf<AnswerFacts>('answer', {
    status: field(INT, ({ status }) => BigInt(status)),
    content_type: field(STRING, ({ contentType }) => contentType),
    findings: field(countsBy(own), ({ findings }) => countsOf(findings)),
    input_tokens: field(INT, ({ inputTokens }) => BigInt(inputTokens)),
    output_tokens: field(INT, ({ outputTokens }) => BigInt(outputTokens)),
    tool_calls: field(listOf(TOOL_CALL), ({ toolCalls }) => toolCalls),
    commands: field(listOf(COMMAND), ({ commands }) => commands),
    injection: field(INJECTION, ({ injection }) => injection),
    classified: field(classifiedBy(classifiers), ({ classified }) => classified),
  });

const NO_ANSWER: AnswerFacts = {
  status: 0,
  contentType: '',
  findings: {},
  inputTokens: 0,
  outputTokens: 0,
  toolCalls: [],
  commands: [],
  injection: { score: 0, evidence: [] },
};

const MILLISECOND = 1_000_000n;

/** What a config gives names to that conditions can read. */
export interface Named {
  readonly services: readonly string[];
  /** The operator's own detectors. */
  readonly own: readonly string[];
  /** Missing for none. */
  readonly classifiers?: readonly string[];
}

/** Returns the environment of conditions on calls. Its root is a Subject. */
export const environmentFor = (named: Named): Environment =>
  new Map<string, FieldOf<Subject>>([
    ['caller', field(CALLER, ({ caller }) => caller)],
    ['call', field(callOf(named), (subject) => subject)],
    ['now', field(TIMESTAMP, ({ now }) => new Timestamp(BigInt(Math.trunc(now)) * MILLISECOND))],
  ]);

/** Returns the environment of conditions on answers: that of calls, and `answer`. */
export const answerEnvironmentFor = (named: Named): Environment =>
  new Map<string, FieldOf<Subject>>([
    ...environmentFor(named),
    ['answer', field(answerOf(named), ({ answer }) => answer ?? NO_ANSWER)],
  ]);
