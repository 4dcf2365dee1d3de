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
export const ageRecipient = z
  .string()
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'expected an age recipient, age1 and 58 characters')
  .describe('An age recipient, as `age-keygen` prints it.');
