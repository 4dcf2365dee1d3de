/** Who may read recordings, and how long they are kept. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { duration, name } from './values.ts';

export const retentionRule = z.strictObject({
  name: name().describe('What the ledger calls the rule.'),
  services: z.array(name()).default([]).describe('Sessions of one of these services; of all when empty.'),
  groups: z
    .array(z.string().min(1))
    .default([])
    .describe('Sessions of callers in one of these groups; of all when empty.'),
  findings: z
    .array(z.string().min(1))
    .default([])
    .describe('Sessions in which one of these entities was found; all when empty.'),
  keep: duration().describe('How long they are kept.'),
});

// BIP 173 as age uses it: bech32 of 32 bytes behind `age1`; its checksum is looked at when a key is wrapped.
const ageRecipient = z
  .string()
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'expected an age recipient, age1 and 58 characters')
  .describe('An age recipient, as `age-keygen` prints it.');

const isPrivate = (text: string): boolean => {
  const { protocol, hostname } = new URL(text);
  // the key itself is in the request
  return protocol === 'https:' || (protocol === 'http:' && /^(?:127\.[\d.]+|\[::1\]|localhost)$/.test(hostname));
};

const awsKmsKey = z.strictObject({
  aws_kms: z
    .string()
    .regex(
      /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(?:key|alias)\/[A-Za-z0-9/_-]+$/,
      'expected the ARN of a key or an alias in AWS KMS, arn:aws:kms:REGION:ACCOUNT:key/ID',
    )
    .describe(
      'The ARN of a symmetric key, or of an alias, in AWS KMS. The gateway needs `kms:Encrypt` on it, who reads `kms:Decrypt`.',
    ),
  endpoint: z
    .url()
    .refine(isPrivate, 'expected https: keys are sent there')
    .optional()
    .describe("Where KMS answers, instead of the address of the key's region."),
});

/** Who can unwrap keys. */
export const recipient = z.union([ageRecipient, awsKmsKey], {
  error: 'expected an age recipient (age1…) or { aws_kms: ARN }',
});
