/** Recipients and identities of age (https://age-encryption.org/v1): keys that only somebody elsewhere can unwrap. */

import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import type { Identity, Recipient } from './key-envelope.ts';

/** Returns a recipient `age1…`. Throws when it is none. */
export function ageRecipient(to: string): Recipient {
  const encrypter = new Encrypter();
  encrypter.addRecipient(to);
  return { to, wrap: async (key) => ({ to, wrapped: Buffer.from(await encrypter.encrypt(key)).toString('base64') }) };
}

/**
 * Returns the identities in a text: lines `AGE-SECRET-KEY-1…`, comments between them, as `age-keygen` writes it. Throws
 * when there is none; the message never repeats the text.
 */
export function ageIdentities(text: string): readonly Identity[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new Error('it holds no identity');
  return lines.map(ageIdentity);
}

function ageIdentity(line: string): Identity {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(line);
  } catch {
    throw new Error('a line of it is no age identity (AGE-SECRET-KEY-1…)');
  }
  let own: Promise<string> | null = null;
  return {
    async unwrap({ to, wrapped }) {
      own ??= identityToRecipient(line);
      return to === (await own) ? decrypter.decrypt(Buffer.from(wrapped, 'base64')) : null;
    },
  };
}
