/** Whom the config names as recipients of keys: people with an age key, and keys of a key service, in one list. */

import { ageRecipient } from './age.ts';
import { type AwsKmsKey, kmsRecipient } from './aws-kms.ts';
import type { Recipient } from './key-envelope.ts';
import type { KeyPolicy } from './key-ring.ts';

/** A recipient as the config names it: `age1…`, or a key of AWS KMS. */
export type NamedRecipient = string | AwsKmsKey;

/** What a config says of recipients. */
export interface NamedRecipients {
  readonly recipients: readonly NamedRecipient[];
  readonly originals: readonly NamedRecipient[];
}

/** Returns a recipient; `log` is the origin of the ledger. Throws when it is none. */
export const recipientOf = (named: NamedRecipient, log: string): Recipient =>
  typeof named === 'string' ? ageRecipient(named) : kmsRecipient(named, log);

/** Returns whom keys are wrapped for. Throws when one of them is no recipient. */
export const keyPolicyOf = ({ recipients, originals }: NamedRecipients, log: string): KeyPolicy => ({
  recipients: recipients.map((named) => recipientOf(named, log)),
  originals: originals.map((named) => recipientOf(named, log)),
});
