/**
 * Recipients and identities of AWS KMS (docs.aws.amazon.com/kms, API reference, Encrypt and Decrypt). The gateway asks for
 * Encrypt when a key is made and may do nothing else; who reads asks for Decrypt with credentials of their own. Both
 * take credentials and region as every AWS program does: the environment, a role, a profile.
 */

import type { KMSClient } from '@aws-sdk/client-kms';
import { KeyServiceError } from './key-service-error.ts';
import type { Identity, KeyName, Recipient } from './key-envelope.ts';

/** A key of AWS KMS, as the config names it. */
export interface AwsKmsKey {
  /** ARN of a key or of an alias. */
  readonly aws_kms: string;
  /** Where KMS answers, instead of the region's own address. */
  readonly endpoint?: string | undefined;
}

/** What names a key starts so, and nothing else does. */
const ARN = /^arn:[a-z-]+:kms:([a-z0-9-]+):/;

/** A start waits for it, and a rotation: three attempts of this long each. Milliseconds. */
const TIMEOUT = 5_000;
const ATTEMPTS = 3;

const MAX_SAID = 300;

/** Returns what the service said, in one line of bounded length. */
function said(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { name, message } = cause;
  // a connection that no address answered has its reasons inside
  const inner = cause instanceof AggregateError ? cause.errors.map(String).join(', ') : message;
  return `${name}: ${inner}`.replaceAll(/\s+/g, ' ').slice(0, MAX_SAID);
}

const regionOf = (arn: string): string => ARN.exec(arn)?.[1] ?? '';

/** Resolves to a client; the library is loaded by whoever has such keys, and by nobody else. */
async function clientFor(region: string, endpoint: string | undefined): Promise<KMSClient> {
  const { KMSClient: Client } = await import('@aws-sdk/client-kms');
  return new Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: TIMEOUT, requestTimeout: TIMEOUT, throwOnRequestTimeout: true },
  });
}

/**
 * What KMS binds a wrapped key to, and writes into CloudTrail: which key, what it opens, of which log. Key policies may
 * ask for each (`kms:EncryptionContext:…`).
 */
const contextOf = ({ id, kind }: KeyName, log: string): Record<string, string> => ({
  'sallyport-key': id,
  'sallyport-of': kind,
  'sallyport-log': log,
});

/** Returns a recipient that KMS wraps keys for; `log` is the origin of the ledger beside the recordings. */
export function kmsRecipient({ aws_kms: arn, endpoint }: AwsKmsKey, log: string): Recipient {
  return {
    to: arn,
    async wrap(key, name) {
      const { EncryptCommand } = await import('@aws-sdk/client-kms');
      const client = await clientFor(regionOf(arn), endpoint);
      try {
        const answer = await client.send(
          new EncryptCommand({ KeyId: arn, Plaintext: key, EncryptionContext: contextOf(name, log) }),
        );
        const { CiphertextBlob: blob, KeyId: to } = answer;
        // an alias may point elsewhere tomorrow: the envelope names the key behind it
        if (blob === undefined || to === undefined || !ARN.test(to)) throw new Error('its answer holds no wrapped key');
        return { to, wrapped: Buffer.from(blob).toString('base64'), log };
      } catch (cause) {
        throw new KeyServiceError(`AWS KMS did not wrap a key for ${arn}: ${said(cause)}`, { cause });
      } finally {
        client.destroy();
      }
    },
  };
}

/** Returns an identity that has KMS unwrap keys; `endpoints` says where it answers for a region, if elsewhere. */
export function kmsIdentity(endpoints: ReadonlyMap<string, string> = new Map()): Identity {
  const clients = new Map<string, Promise<KMSClient>>();
  const clientOf = (region: string): Promise<KMSClient> => {
    const client = clients.get(region) ?? clientFor(region, endpoints.get(region));
    clients.set(region, client);
    return client;
  };
  return {
    async unwrap({ to, wrapped, log }, name) {
      if (!ARN.test(to)) return null;
      const { DecryptCommand } = await import('@aws-sdk/client-kms');
      try {
        const client = await clientOf(regionOf(to));
        const { Plaintext: key } = await client.send(
          new DecryptCommand({
            KeyId: to,
            CiphertextBlob: Buffer.from(wrapped, 'base64'),
            EncryptionContext: contextOf(name, log ?? ''),
          }),
        );
        if (key === undefined) throw new Error('its answer holds no key');
        return key;
      } catch (cause) {
        throw new KeyServiceError(`AWS KMS did not unwrap a key with ${to}: ${said(cause)}`, { cause });
      }
    },
  };
}

/** Returns where KMS answers for each region that a config names another address for. */
export const kmsEndpoints = (keys: readonly AwsKmsKey[]): ReadonlyMap<string, string> =>
  new Map(
    keys.flatMap(({ aws_kms: arn, endpoint }) => (endpoint === undefined ? [] : [[regionOf(arn), endpoint] as const])),
  );
