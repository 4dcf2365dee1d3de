/**
 * A recording key as it is kept: a file in `recording-keys/` that holds it once for each recipient, wrapped so that
 * only that one can open it. Wrapping and unwrapping are two small interfaces, as in age: a key service is another
 * pair of them.
 */

import { hash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { open, seal } from './cobblestone.ts';
import { KeyServiceError } from './key-service-error.ts';
import { recordingKeyOf } from './page-keys.ts';

const wrap = z.strictObject({
  /** Who can open it: `recording.key` of the config, an age recipient, or the ARN of a key in AWS KMS. */
  to: z.string(),
  /** Base64. */
  wrapped: z.string(),
  /** The origin of the log that a key service was told of: without it, it does not unwrap. */
  log: z.string().optional(),
});

const schema = z.strictObject({
  v: z.literal(1),
  /** `recording` keys open recordings; `originals` keys open what masking took away, beside those. */
  kind: z.enum(['recording', 'originals']),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  /** Milliseconds since the epoch. */
  made: z.int().min(0),
  wraps: z.array(wrap),
});

/** One wrapping of a key. */
export type Wrap = z.output<typeof wrap>;
/** A key and who can open it. */
export type KeyEnvelope = Readonly<z.output<typeof schema>>;

/** What a key is called, and what it opens. */
export type KeyName = Pick<KeyEnvelope, 'id' | 'kind'>;

/** Wraps keys for somebody. Holds nothing that could unwrap them, where the recipient is not the gateway itself. */
export interface Recipient {
  /** As the config names it. */
  readonly to: string;
  /** Rejects with KeyServiceError when a service that it asks does not answer, or refuses. */
  wrap(key: Uint8Array, name: KeyName): Promise<Wrap>;
}

/** Unwraps keys. */
export interface Identity {
  /**
   * Resolves to null for what was wrapped for somebody else; rejects when it was for this one and is broken, and with
   * KeyServiceError when a service that it asks does not answer, or refuses.
   */
  unwrap(wrap: Wrap, name: KeyName): Promise<Uint8Array | null>;
}

/** Whom the key of the config stands for among recipients. */
export const ROOT = 'recording.key';

const context = (id: string): Uint8Array => Buffer.from(`sallyport recording key v1\0${id}`, 'ascii');

/** Returns both ends of the key that the config names (32 bytes). */
export const rootParty = (root: Uint8Array): Recipient & Identity => ({
  to: ROOT,
  wrap: async (key, { id }) => ({ to: ROOT, wrapped: seal(root, context(id), key).toString('base64') }),
  unwrap: async ({ to, wrapped }, { id }) =>
    to === ROOT ? open(root, context(id), Buffer.from(wrapped, 'base64')) : null,
});

/** Returns where the keys of a data folder are kept. */
export const keyFolder = (folder: string): string => join(folder, 'recording-keys');

/** What `envelopeFile` returns. */
const FILE = /^(?:recording|originals)-[0-9a-f]{64}\.json$/;

/** Returns the file name of an envelope. */
export const envelopeFile = ({ kind, id }: Pick<KeyEnvelope, 'kind' | 'id'>): string => `${kind}-${id}.json`;

/** Resolves to the envelope of a new key. Rejects when it could not be wrapped for each of the recipients. */
export async function wrapKey(
  { kind, key, made }: { readonly kind: KeyEnvelope['kind']; readonly key: Uint8Array; readonly made: number },
  recipients: readonly Recipient[],
): Promise<KeyEnvelope> {
  const { id } = recordingKeyOf(key);
  const wraps = await Promise.all(recipients.map((each) => each.wrap(key, { id, kind })));
  return { v: 1, kind, id, made, wraps };
}

/**
 * Resolves to the key in an envelope; null when none of `identities` can open it. Rejects when it holds another key, and
 * with KeyServiceError when only services that refuse could open it.
 */
export async function unwrapKey(envelope: KeyEnvelope, identities: readonly Identity[]): Promise<Uint8Array | null> {
  let refused: KeyServiceError | null = null;
  for (const wrapped of envelope.wraps) {
    for (const identity of identities) {
      try {
        const key = await identity.unwrap(wrapped, envelope);
        if (key === null) continue;
        if (recordingKeyOf(key).id !== envelope.id) throw new Error(`the envelope of ${envelope.id} holds another key`);
        return key;
      } catch (error) {
        // the key may be wrapped for this one in another way too
        if (!(error instanceof KeyServiceError)) throw error;
        refused ??= error;
      }
    }
  }
  if (refused !== null) throw refused;
  return null;
}

/** Returns the text of an envelope, and its hash as leaves carry it. */
export function envelopeText(envelope: KeyEnvelope): { readonly text: string; readonly ct: string } {
  const text = `${JSON.stringify(envelope, null, 1)}\n`;
  return { text, ct: hash('sha256', text, 'hex') };
}

/** True for the text of the envelope of a key that was destroyed. */
export function isForNobody(text: Buffer): boolean {
  try {
    return readEnvelope(text.toString('utf8')).wraps.length === 0;
  } catch {
    // what is no envelope may be anything
    return false;
  }
}

/** Returns the files among keys that no key has: what was destroyed could be put back under such a name. */
export const listStrayKeys = (folder: string): readonly string[] =>
  existsSync(keyFolder(folder))
    ? readdirSync(keyFolder(folder)).filter((file) => file.endsWith('.json') && !FILE.test(file))
    : [];

/** Returns the envelope in a file. Throws when it is none. */
export const readEnvelope = (text: string): KeyEnvelope => schema.parse(JSON.parse(text));
