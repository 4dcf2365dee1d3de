/** Rules, and what they may ask for: approvals and limits. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { duration, name, size, when } from './values.ts';

const approve = z.strictObject({
  by: z
    .array(z.string().regex(/^(group|subject):.+$/, 'expected group:NAME or subject:ISSUER|SUBJECT'))
    .min(1)
    .describe(
      'Who may approve: `group:ISSUER|NAME` or `subject:ISSUER|SUBJECT`; `group:NAME` where one issuer speaks for people.',
    ),
  quorum: z.int().min(1).max(16).default(1).describe('How many distinct people must approve.'),
  within: duration().prefault('15m').describe('How long the approval may be decided.'),
  use_within: duration().prefault('5m').describe('How long after the decision the call may be made.'),
});

const most = (what: string) => z.int().min(1).optional().describe(what);

const limit = z
  .strictObject({
    per: z
      .array(z.enum(['caller', 'group', 'service', 'model', 'operation']))
      .max(5)
      .default([])
      .describe(
        'What is counted apart: each caller, each group of the caller, each service, each model, each operation. Several make one count for each combination; none makes one count for all calls that the rule matches.',
      ),
    requests: most('Requests within the window; every operation of a batch is one.'),
    tokens: most('Tokens within the window, read and written, as the model server counts them.'),
    spend: z.number().positive().optional().describe('Cost within the window, in the currency of `prices`.'),
    answer_tokens: most('Tokens that the model may write within the window.'),
    answer_bytes: size().optional().describe('Bytes of answers that may leave within the window, such as `50MiB`.'),
    distinct_inputs: most('Different request bodies within the window, estimated: it ends up to a tenth early.'),
    concurrent: most('Calls under way at once.'),
    within: duration()
      .optional()
      .describe('The sliding window, `1s` to `31d`; needed for everything but `concurrent`.'),
  })
  .describe(
    'Beyond it a call is refused as `rate-limited`; a stream that uses up its tokens, cost or bytes is cut as `budget-exceeded`.',
  );

export const price = z.strictObject({
  model: z.string().min(1).describe('The name of a model; `*` stands for any characters.'),
  input: z.number().min(0).describe('The price of a million tokens that the model reads.'),
  output: z.number().min(0).describe('The price of a million tokens that the model writes.'),
});

export const policy = z.strictObject({
  name: name().describe('Names the rule in records and refusals.'),
  when,
  then: z
    .union([z.enum(['allow', 'deny']), z.strictObject({ approve: approve.describe('The call waits for a human.') })], {
      error: 'expected allow, deny or { approve: … }',
    })
    .describe(
      '`allow`, `deny`, or `{ approve: … }`. Deny beats approve beats allow; no rule matched is a deny. A rule with a `limit` may leave it out.',
    )
    .optional(),
  limit: limit.optional(),
  on: z
    .enum(['request', 'message', 'answer'])
    .optional()
    .describe(
      'What the rule looks at: the request, each further message of a stream, or the answer while it flows (only with `deny`; its condition may read `answer`). By default everything that the caller sends: requests and messages.',
    ),
  message: z.string().max(500).optional().describe('What the caller is told when this rule decides against the call.'),
});
