/**
 * A recording key as it is kept: a file in `recording-keys/` that holds it once for each recipient, wrapped so that
 * only that one can open it. Wrapping and unwrapping are two small interfaces, as in age: a key service is another
 * pair of them.
 */

import { hash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { open, seal } from './cobblestone.ts';
import { recordingKeyOf } from './page-keys.ts';

const wrap = z.strictObject({
  /** Who can open it: `recording.key` of the config, or an age recipient. */
  to: z.string(),
  /** Base64. */
  wrapped: z.string(),
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

/** Wraps keys for somebody. Holds nothing that could unwrap them, where the recipient is not the gateway itself. */
export interface Recipient {
  readonly to: string;
  wrap(key: Uint8Array, id: string): Promise<string>;
}

/** Unwraps keys. */
export interface Identity {
  /** Resolves to null for what was wrapped for somebody else; rejects when it was for this one and is broken. */
  unwrap(wrap: Wrap, id: string): Promise<Uint8Array | null>;
}

/** Whom the key of the config stands for among recipients. */
const ROOT = 'recording.key';

const context = (id: string): Uint8Array => Buffer.from(`sallyport recording key v1\0${id}`, 'ascii');

/** Returns both ends of the key that the config names (32 bytes). */
export const rootParty = (root: Uint8Array): Recipient & Identity => ({
  to: ROOT,
  wrap: async (key, id) => seal(root, context(id), key).toString('base64'),
  unwrap: async ({ to, wrapped }, id) => (to === ROOT ? open(root, context(id), Buffer.from(wrapped, 'base64')) : null),
});

/** Returns where the keys of a data folder are kept. */
export const keyFolder = (folder: string): string => join(folder, 'recording-keys');

/** Returns the file name of an envelope. */
export const envelopeFile = ({ kind, id }: Pick<KeyEnvelope, 'kind' | 'id'>): string => `${kind}-${id}.json`;

/** Resolves to the envelope of a new key. */
export async function wrapKey(
  { kind, key, made }: { readonly kind: KeyEnvelope['kind']; readonly key: Uint8Array; readonly made: number },
  recipients: readonly Recipient[],
): Promise<KeyEnvelope> {
  const { id } = recordingKeyOf(key);
  const wraps = await Promise.all(recipients.map(async (each) => ({ to: each.to, wrapped: await each.wrap(key, id) })));
  return { v: 1, kind, id, made, wraps };
}

/** Resolves to the key in an envelope; null when none of `identities` can open it. Rejects when it holds another key. */
export async function unwrapKey(envelope: KeyEnvelope, identities: readonly Identity[]): Promise<Uint8Array | null> {
  for (const wrapped of envelope.wraps) {
    for (const identity of identities) {
      const key = await identity.unwrap(wrapped, envelope.id);
      if (key === null) continue;
      if (recordingKeyOf(key).id !== envelope.id) throw new Error(`the envelope of ${envelope.id} holds another key`);
      return key;
    }
  }
  return null;
}

/** Returns the text of an envelope, and its hash as leaves carry it. */
export function envelopeText(envelope: KeyEnvelope): { readonly text: string; readonly ct: string } {
  const text = `${JSON.stringify(envelope, null, 1)}\n`;
  return { text, ct: hash('sha256', text, 'hex') };
}

/** Returns the envelope in a file. Throws when it is none. */
export const readEnvelope = (text: string): KeyEnvelope => schema.parse(JSON.parse(text));
