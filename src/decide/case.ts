/** A call written down by hand: what `sallyport policy test` and `policy explain` read. */

import { z } from 'zod';
import { type Caller, type CanonicalRequest, type Facts, NOTHING_CLOSER } from '../call.ts';
import { configSchema } from '../config.ts';
import type { Subject } from './environment.ts';

const count = () => z.int().min(0);

const caller = z.strictObject({
  issuer: z.string().default('https://issuer.example'),
  subject: z.string().default('somebody'),
  kind: z.enum(['human', 'workload', 'agent']).default('human'),
  groups: z.array(z.string()).default([]),
  claims: z.record(z.string(), z.unknown()).default({}),
});

const text = z.union([
  z.string().transform((written) => ({ role: 'user', text: written })),
  z.strictObject({ role: z.string().default('user'), text: z.string() }),
]);

const tool = z.union([
  z.string().transform((name) => ({ name, type: 'function' })),
  z.strictObject({ name: z.string(), type: z.string().default('function') }),
]);

const toolCall = z.union([
  z.string().transform((name) => ({ name, arguments: {} })),
  z
    .strictObject({
      name: z.string(),
      arguments: z.unknown().default({}),
      made: z.boolean().default(false).describe('The request is this call (MCP), and does not only tell of it.'),
    })
    .transform(({ made, ...rest }) => (made ? { ...rest, made: true as const } : rest)),
]);

const trip = {
  kind: z.string(),
  place: z.string().default('user'),
  start: count().default(0),
  end: count().default(0),
};

const command = z.union([
  z.string().transform((kind) => ({ kind, place: 'user', start: 0, end: 0 })),
  z.strictObject(trip),
]);

const injection = z.union([
  z
    .number()
    .min(0)
    .max(1)
    .transform((score) => ({ score, evidence: [] })),
  z.strictObject({
    score: z.number().min(0).max(1),
    evidence: z.array(z.strictObject({ ...trip, score: z.number().min(0).max(1).default(0) })).default([]),
  }),
]);

const tensor = z.strictObject({
  name: z.string(),
  datatype: z.string().default('FP32'),
  shape: z.array(z.int()).default([]),
  bytes: count().default(0),
  region: z.string().default(''),
});

/** The schema of what classifiers say, by their names. */
export const classifierResultsSchema = z.record(
  z.string(),
  z.lazy(() => classified),
);

const classified = z.strictObject({
  // no default: what it says is said, or not known
  outcome: z.enum(['passed', 'flagged', 'failed', 'skipped']),
  labels: z.array(z.string()).default([]),
  score: z.number().min(0).max(1).default(0),
});

// The words are those of conditions, so that a case reads like the rule that it tests.
const call = z.strictObject({
  service: z.string(),
  protocol: configSchema.shape.services.element.shape.protocol.default('openai'),
  method: z.string().default('POST'),
  path: z.string().default('/v1/chat/completions'),
  query: z.string().default(''),
  source: z.string().default('192.0.2.1'),
  operation: z.string().default('chat'),
  model: z.string().default(''),
  stream: z.boolean().default(false),
  texts: z.array(text).default([]),
  tools: z.array(tool).default([]),
  tool_calls: z.array(toolCall).default([]),
  commands: z.array(command).default([]),
  injection: injection.prefault(0),
  tensors: z.array(tensor).default([]),
  max_tokens: count().default(Number.MAX_SAFE_INTEGER),
  input_tokens: count().optional(),
  n: count().default(1),
  temperature: z.number().default(1),
  images: count().default(0),
  audios: count().default(0),
  files: count().default(0),
  token_ids: count().default(0),
  body_bytes: count().optional(),
  opaque: z.boolean().default(false),
  management: z.boolean().default(false),
  operations: count().default(1),
  findings: z.record(z.string(), count()).default({}),
  classified: z.record(z.string(), classified).default({}),
});

const inputs = z.array(
  z.strictObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int()).nullable().default(null) }),
);

/** The schema of a call written down: who makes it, what it is, and when. What is left out has the value of a plain call. */
export const writtenCallSchema = z.strictObject({
  caller: caller.prefault({}),
  call,
  metadata: z
    .array(inputs)
    .optional()
    .describe('What the model server says of the inputs of the model: one list, or several for several signatures.'),
  now: z.iso
    .datetime({ offset: true })
    .transform((instant) => Date.parse(instant))
    .optional()
    .describe('When; by default, now.'),
});

/** A call written down. */
export type WrittenCall = z.output<typeof writtenCallSchema>;

/** Returns the subject that policies decide on. `now`, in milliseconds since the epoch, is for calls that do not say. */
export const subjectOf = (written: WrittenCall, now: number): Subject => ({
  caller: callerOf(written.caller),
  request: requestOf(written.call),
  facts: factsOf(written.call),
  now: written.now ?? now,
});

const callerOf = ({ issuer, subject, kind, groups, claims }: WrittenCall['caller']): Caller => ({
  issuer,
  subject,
  kind,
  groups,
  claims,
  expiresAt: Number.MAX_SAFE_INTEGER,
});

const requestOf = ({ service, protocol, method, path, query, source }: WrittenCall['call']): Subject['request'] => {
  const request: CanonicalRequest = { method, service, path, query, rawHeaders: [], source };
  return { ...request, protocol };
};

const factsOf = (call: WrittenCall['call']): Facts => {
  const bytes = call.texts.reduce((sum, each) => sum + Buffer.byteLength(each.text), 0);
  return {
    operation: call.operation,
    model: call.model,
    stream: call.stream,
    texts: call.texts.map(({ role, text }) => ({ path: [], role, text })),
    tools: call.tools,
    tensors: call.tensors,
    maxTokens: call.max_tokens,
    // as inspection estimates it: see Facts
    inputTokens: call.input_tokens ?? Math.ceil(bytes / 4) + call.token_ids,
    n: call.n,
    temperature: call.temperature,
    images: call.images,
    audios: call.audios,
    files: call.files,
    tokenIds: call.token_ids,
    bodyBytes: call.body_bytes ?? bytes,
    opaque: call.opaque,
    management: call.management,
    operations: call.operations,
    findings: call.findings,
    closer: { ...NOTHING_CLOSER, toolCalls: call.tool_calls, commands: call.commands, injection: call.injection },
    classified: Object.fromEntries(
      Object.entries(call.classified).map(([name, said]) => [name, { ...said, asked: 1, micros: 0 }]),
    ),
  };
};
