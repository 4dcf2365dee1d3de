/**
 * Who did what to recordings, as the ledger carries it: sealed under a key that comes from the recording key, so that
 * leaves name nobody to those who verify, and everybody to those who may read recordings.
 */

import { createHmac, hkdfSync } from 'node:crypto';
import { open, seal } from './cobblestone.ts';

/** A name is cut here: sealed, it must fit into a text of a leaf. */
const MAX_NAME = 64;

/** Seals names and hashes texts for leaves. */
export interface Deeds {
  /** Returns the sealed name of who did something of this type (a leaf's). */
  who(type: string, name: string): string;
  /** Returns the name that `who` sealed. Throws when it was for another type or under another key. */
  name(type: string, who: string): string;
  /** Returns the keyed hash of a text, in hex. */
  hash(text: string | Uint8Array): string;
}

/** Returns the deeds of a gateway with this recording key (32 bytes). */
export function openDeeds(recordingKey: Uint8Array): Deeds {
  const derive = (info: string): Uint8Array => new Uint8Array(hkdfSync('sha256', recordingKey, '', info, 32));
  const names = derive('sallyport names in leaves v1');
  const texts = derive('sallyport texts in leaves v1');
  return {
    who: (type, name) => seal(names, Buffer.from(type), Buffer.from(name.slice(0, MAX_NAME))).toString('base64'),
    name: (type, who) => open(names, Buffer.from(type), Buffer.from(who, 'base64')).toString(),
    hash: (text) => createHmac('sha256', texts).update(text).digest('hex'),
  };
}
