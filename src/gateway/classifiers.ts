/** The outside classifiers of one config, with connections that lead where an upstream's may. */

import { isDeepStrictEqual } from 'node:util';
import { Pool } from 'undici';
import { type Classifier, createClassifier, type Post } from '../classify/classifier.ts';
import type { Clock } from '../clock.ts';
import type { ClassifierConfig, SecretRef } from '../config.ts';
import { type AwsKeys, type Sign, signer } from './sigv4.ts';
import { lookupOutsideMetadata, upstreamAddress } from './upstream.ts';

/** What classifiers are opened with. */
export interface ClassifierParts {
  readonly clock: Clock;
  /** Resolves a secret reference to its text. Throws when it cannot. */
  readonly secret: (ref: SecretRef) => string;
}

/** A classifier that holds connections. */
export interface OpenClassifier extends Classifier {
  /** What it presents; empty for nothing. */
  readonly presents: readonly string[];
  /** What its questions are signed with; null where they are not. */
  readonly keys: AwsKeys | null;
  close(): Promise<void>;
}

/** Returns the classifiers of a config; those of `previous` that are the same go on, with what they know of failures. Throws on a metadata address. */
export const openClassifiers = (
  configs: readonly ClassifierConfig[],
  parts: ClassifierParts,
  previous: readonly OpenClassifier[],
): readonly OpenClassifier[] =>
  configs.map((config) => {
    const presents = credentialLine(config, parts);
    const keys = awsKeys(config, parts);
    const same = (known: OpenClassifier): boolean =>
      isDeepStrictEqual([known.config, known.presents, known.keys], [config, presents, keys]);
    return previous.find(same) ?? openClassifier(config, presents, keys, parts);
  });

function openClassifier(
  config: ClassifierConfig,
  presents: readonly string[],
  keys: AwsKeys | null,
  { clock }: ClassifierParts,
): OpenClassifier {
  const address = upstreamAddress(config.url, `classifiers.${config.name}.url`);
  const pool = new Pool(address.origin, {
    allowH2: false,
    connections: config.concurrent,
    pipelining: 1,
    keepAliveTimeout: 3_000,
    keepAliveTimeoutThreshold: 1_500,
    // the question's own timeout comes first
    headersTimeout: config.timeout,
    bodyTimeout: config.timeout,
    maxHeaderSize: 16 * 1024,
    connect: {
      timeout: config.timeout,
      lookup: lookupOutsideMetadata,
      ...(address.socketPath === null ? {} : { socketPath: address.socketPath }),
    },
  });
  const sign = keys === null ? null : signer(keys, () => clock.now());
  const to: Way = { pool, host: address.host, mount: address.mount, presents, sign };
  const { name, ask } = bound(createClassifier(config, postTo(to), clock));
  return { name, config, ask, presents, keys, close: () => pool.close() };
}

const bound = (classifier: Classifier): Pick<Classifier, 'name' | 'ask'> => ({
  name: classifier.name,
  ask: (question, signal) => classifier.ask(question, signal),
});

interface Way {
  readonly pool: Pool;
  readonly host: string;
  readonly mount: string;
  readonly presents: readonly string[];
  readonly sign: Sign | null;
}

const JSON_TYPE = 'application/json';

const postTo =
  ({ pool, host, mount, presents, sign }: Way): Post =>
  async ({ path: behind, body, longest }, signal) => {
    const path = mount + behind === '' ? '/' : mount + behind;
    const signed = sign?.({ method: 'POST', path, query: '', host, contentType: JSON_TYPE, body }) ?? [];
    const headers = ['Host', host, 'Content-Type', JSON_TYPE, 'Accept', JSON_TYPE, ...presents, ...signed];
    // undici's dispatcher follows no redirect: 3xx is an answer like any other
    const answer = await pool.request({ method: 'POST', path, headers, body, signal });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body) {
      const bytes = Buffer.from(chunk);
      length += bytes.length;
      // leaving the loop ends the answer, and its connection
      if (length > longest) return { status: answer.statusCode, body: null };
      chunks.push(bytes);
    }
    return { status: answer.statusCode, body: Buffer.concat(chunks) };
  };

function credentialLine({ credential }: ClassifierConfig, { secret }: ClassifierParts): readonly string[] {
  if (credential === 'none' || 'aws' in credential) return [];
  if ('bearer' in credential) return ['Authorization', `Bearer ${secret(credential.bearer)}`];
  return [credential.header, secret(credential.value)];
}

function awsKeys({ credential }: ClassifierConfig, { secret }: ClassifierParts): AwsKeys | null {
  if (credential === 'none' || !('aws' in credential)) return null;
  const { region, service, access_key_id: id, secret_access_key: key, session_token: token } = credential.aws;
  return {
    region,
    service,
    accessKeyId: secret(id),
    secretAccessKey: secret(key),
    sessionToken: token === undefined ? '' : secret(token),
  };
}
