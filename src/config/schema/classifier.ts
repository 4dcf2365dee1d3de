/** A classifier outside, and what it is shown. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { credential } from './credential.ts';
import { duration, name } from './values.ts';

export const classifier = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/, 'expected lower-case letters, digits and underscores, beginning with a letter')
    .describe('Names it in conditions (`call.classified.NAME`), masking rules, records and metrics.'),
  kind: z
    .enum(['webhook', 'presidio', 'llama-guard', 'bedrock'])
    .describe(
      'What it speaks: the contract of docs/classifiers.md, the REST API of Presidio’s analyzer, chat completions as Llama Guard answers them, or Bedrock’s ApplyGuardrail.',
    ),
  url: z
    .url({ protocol: /^(?:https?|unix)$/ })
    .describe(
      'Where it is: the address that a webhook is posted to; else the base, as `http://presidio.internal:5002` for Presidio, `http://guard.internal:8000/v1` for Llama Guard, `https://bedrock-runtime.us-east-1.amazonaws.com` for Bedrock.',
    ),
  credential: credential('Every question is signed for AWS (SigV4).')
    .default('none')
    .describe('What the gateway presents to it.'),
  services: z.array(name()).default([]).describe('The services whose calls it looks at; all when empty.'),
  roles: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Of a request, only texts of these roles (`system`, `user`, `assistant`, `tool`) are sent; all when empty.',
    ),
  send: z
    .enum(['masked', 'raw'])
    .default('masked')
    .describe(
      'What it is shown: texts in which everything that detectors find is replaced (`<EMAIL>`), or texts as they are.',
    ),
  on_error: z
    .enum(['deny', 'allow'])
    .describe(
      'What happens to a call that it was to look at and did not: `deny` ends it as `classifier-unavailable`, `allow` lets it go on, and the record says `failed`. There is no default.',
    ),
  timeout: duration().prefault('2s').describe('How long a question may take, waiting for its turn included.'),
  concurrent: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .describe('Questions at once per data worker; eight times as many may wait for their turn.'),
  circuit: z
    .strictObject({
      failures: z.int().min(1).max(1000).default(5).describe('So many failures in a row open it.'),
      pause: duration().prefault('10s').describe('How long it stays open; then one question tries.'),
    })
    .prefault({})
    .describe('A classifier that fails is left alone for a while: its questions fail at once.'),
  window: z
    .strictObject({
      characters: z
        .int()
        .min(64)
        .max(16_384)
        .default(1_024)
        .describe('The longest stretch of a streamed text that is held before it is sent.'),
      time: duration().prefault('1s').describe('How long text may wait for the end of its sentence.'),
      context: z
        .int()
        .min(0)
        .max(4_096)
        .default(256)
        .describe('How much of what came before is shown with each stretch.'),
      overlap: z
        .int()
        .min(0)
        .max(4_096)
        .default(64)
        .describe(
          'How much of a stretch waits for the next one, where masking rules mask what is found: a finding up to that long, and not longer than `context`, is masked whole wherever the text was cut.',
        ),
    })
    .prefault({})
    .describe('How streamed answers are cut: sentence by sentence, held until they are classified.'),
  max_characters: z
    .int()
    .min(256)
    .max(16_777_216)
    .default(262_144)
    .describe('What it is shown of one request, and of one answer, at most; more counts as a failure.'),
  threshold: z.number().min(0).max(1).default(0.5).describe('Findings that are less sure than this do not count.'),
  language: z
    .string()
    .min(2)
    .max(16)
    .default('en')
    .describe('Only with `presidio`: the language that texts are taken for.'),
  entities: z
    .array(z.string().min(1))
    .default([])
    .describe('Only with `presidio`: which entities are looked for, by its own names; all when empty.'),
  model: z.string().min(1).optional().describe('Only with `llama-guard`, and needed there: the name of the model.'),
  guardrail: z
    .strictObject({
      id: z
        .string()
        .regex(/^[A-Za-z0-9:/_-]+$/, 'expected the id or the ARN of a guardrail')
        .describe('Its id or ARN.'),
      version: z
        .string()
        .regex(/^(?:DRAFT|[1-9]\d{0,7})$/, 'expected DRAFT or a number')
        .describe('`DRAFT` or the number of a version.'),
    })
    .optional()
    .describe('Only with `bedrock`, and needed there: which guardrail.'),
});
