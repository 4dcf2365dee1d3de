/**
 * A small AWS KMS: Encrypt and Decrypt of one symmetric key, for who may do which. It speaks the protocol of the real one
 * (JSON 1.1, `X-Amz-Target`) and, like it, binds what it wraps to the encryption context; signatures it takes as they are.
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

/** What somebody may ask for. */
export type Operation = 'Encrypt' | 'Decrypt';

/** One question that came. */
export interface Asked {
  readonly operation: string;
  /** Access key id of who asked. */
  readonly by: string;
  readonly context: Readonly<Record<string, string>>;
}

/** A running key service. */
export interface KeyService {
  readonly url: string;
  /** ARN of its key, and of an alias for it. */
  readonly arn: string;
  readonly alias: string;
  readonly asked: readonly Asked[];
  /** Has it answer nothing but errors, or work again. */
  fail(isFailing: boolean): void;
  stop(): Promise<void>;
}

const ACCOUNT = 'arn:aws:kms:eu-central-1:111122223333';
const NONCE = 12;
const TAG = 16;

const question = z.object({
  KeyId: z.string(),
  Plaintext: z.base64().optional(),
  CiphertextBlob: z.base64().optional(),
  EncryptionContext: z.record(z.string(), z.string()).default({}),
});

const aad = (context: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(JSON.stringify(Object.entries(context).toSorted(([one], [other]) => (one < other ? -1 : 1))));

/** Thrown for what the service refuses; the name is the type of the exception. */
class Refusal extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Starts a key service; `may` says by access key id what somebody may ask for. */
export async function startKeyService(may: Readonly<Record<string, readonly Operation[]>>): Promise<KeyService> {
  const key = randomBytes(32);
  const arn = `${ACCOUNT}:key/${crypto.randomUUID()}`;
  const alias = `${ACCOUNT}:alias/recordings`;
  const asked: Asked[] = [];
  let isFailing = false;

  const encrypt = (plaintext: string, context: Asked['context']): object => {
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(context));
    const sealed = cipher.update(Buffer.from(plaintext, 'base64'));
    cipher.final();
    return { KeyId: arn, CiphertextBlob: Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64') };
  };
  const decrypt = (blob: Buffer, context: Asked['context']): object => {
    try {
      const end = blob.length - TAG;
      const cipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, NONCE)).setAAD(aad(context));
      cipher.setAuthTag(blob.subarray(end));
      const plain = cipher.update(blob.subarray(NONCE, end));
      cipher.final();
      return { KeyId: arn, Plaintext: plain.toString('base64') };
    } catch {
      throw new Refusal('InvalidCiphertextException', '');
    }
  };
  const answer = (operation: string, by: string, body: unknown): object => {
    const { KeyId: id, Plaintext: plain, CiphertextBlob: blob, EncryptionContext: context } = question.parse(body);
    asked.push({ operation, by, context });
    if (id !== arn && id !== alias) throw new Refusal('NotFoundException', `Key '${id}' does not exist`);
    if (!may[by]?.some((each) => each === operation)) {
      throw new Refusal('AccessDeniedException', `${by} is not authorized to perform: kms:${operation}`);
    }
    return operation === 'Encrypt'
      ? encrypt(plain ?? '', context)
      : decrypt(Buffer.from(blob ?? '', 'base64'), context);
  };

  const server = createServer((request, response) => {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    };
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '');
    const by = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
    json(request)
      .then((body) => {
        if (isFailing) return send(500, { __type: 'KMSInternalException', message: 'out of order' });
        return send(200, answer(operation, by, body));
      })
      .catch((error: unknown) => {
        if (!(error instanceof Refusal)) return send(400, { __type: 'ValidationException', message: String(error) });
        send(400, { __type: error.name, message: error.message });
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has such an address
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    arn,
    alias,
    asked,
    fail: (failing) => {
      isFailing = failing;
    },
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Returns the environment of somebody with AWS credentials. */
export const awsEnv = (accessKeyId: string): Readonly<Record<string, string>> => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: `${accessKeyId} for tests`,
  AWS_EC2_METADATA_DISABLED: 'true',
});
