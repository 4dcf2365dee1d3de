/** What goes over the wire of the control API about approvals: one definition for the server, the CLI and the console. */

import { z } from 'zod';
import { APPROVAL_STATES } from '../store/approvals.ts';
import type { Approval } from './approvals.ts';
import { MAX_REASON } from './voter.ts';

const person = z.object({ issuer: z.string(), subject: z.string() });
const time = z.int().describe('Milliseconds since the Unix epoch.');
const decision = z.enum(['approve', 'deny']);

/** A state, as `GET /approvals?state=` takes it. */
export const approvalStateSchema = z.enum(APPROVAL_STATES);

/** An approval. Not strict: a newer gateway may say more. */
export const approvalSchema = z.object({
  id: z.string(),
  state: approvalStateSchema,
  caller: person.describe('Who asks.'),
  service: z.string(),
  model: z.string(),
  operation: z.string(),
  rule: z.string().describe('The rule that holds the call.'),
  message: z.string().describe('What the rule tells the caller.'),
  approvers: z.array(z.string()).describe('Who may approve: `group:ISSUER|NAME` or `subject:ISSUER|SUBJECT`.'),
  quorum: z.int().describe('How many of them must approve.'),
  created: time,
  expires: time.describe('Until when it can be decided.'),
  useBy: time.nullable().describe('Until when it can be used; null before it is approved.'),
  digest: z.string().describe('What a vote confirms.'),
  askedBy: z.string().describe('The session that asked.'),
  usedBy: z.string().nullable().describe('The session that used it.'),
  revoked: z.object({ by: person, reason: z.string() }).nullable(),
  votes: z.array(
    person.extend({
      decision,
      reason: z.string(),
      at: time,
      counts: z
        .boolean()
        .describe('False once the token that it was cast with is out of time: it is not counted then.'),
    }),
  ),
}) satisfies z.ZodType<Approval>;

/** What `GET /approvals` answers. */
export const approvalListSchema = z.object({ approvals: z.array(approvalSchema) });

/** What `GET /approvals/ID` answers. */
export const approvalWithBodySchema = approvalSchema.extend({
  body: z
    .base64()
    .nullable()
    .describe('The bytes that would go to the model server, in base64; null when there are none, or none any more.'),
});

/** An approval with the bytes that it is about. */
export type ApprovalWithBody = z.output<typeof approvalWithBodySchema>;

const reason = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_REASON, `expected at most ${MAX_REASON} bytes`)
  .default('');

/** What `POST /approvals/ID/votes` takes. It answers the approval as it is then. */
export const ballotSchema = z.strictObject({
  decision,
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe('The digest of the approval that the voter was shown.'),
  reason,
});

/** What `POST /approvals/ID/revocations` takes. It answers the approval as it is then. */
export const revocationSchema = z.strictObject({ reason });

/** A refusal (RFC 9457). */
export const problemSchema = z.object({
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  reason: z.string().optional(),
});
