/** Wraps a key that is there already for the recipients of today: by whoever can open it, where the gateway cannot. */

import { type Identity, type KeyEnvelope, type Recipient, unwrapKey } from './key-envelope.ts';

/** What came of it. */
export type Rewrapped =
  /** `envelope` is to take the place of the one there is. */
  | { readonly kind: 'changed'; readonly envelope: KeyEnvelope }
  /** It is for exactly these already, or for nobody any more. */
  | { readonly kind: 'same' }
  /** None of the identities opens it. */
  | { readonly kind: 'closed' };

/**
 * Resolves to an envelope for exactly these recipients; what is there for one of them stays as it is. Rejects with
 * KeyServiceError when a key service does not open it, or does not wrap it.
 */
export async function rewrap(
  envelope: KeyEnvelope,
  recipients: readonly Recipient[],
  identities: readonly Identity[],
): Promise<Rewrapped> {
  const { wraps, kind, id } = envelope;
  if (wraps.length === 0 || recipients.length === 0) return { kind: 'same' };
  const had = new Map(wraps.map((wrap) => [wrap.to, wrap]));
  if (recipients.length === wraps.length && recipients.every(({ to }) => had.has(to))) return { kind: 'same' };
  const key = await unwrapKey(envelope, identities);
  if (key === null) return { kind: 'closed' };
  const made = await Promise.all(recipients.map(async (each) => had.get(each.to) ?? each.wrap(key, { id, kind })));
  // the alias of a key that is there already: the service says its name only now
  const next = [...new Map(made.map((wrap) => [wrap.to, had.get(wrap.to) ?? wrap])).values()];
  const isSame = next.length === wraps.length && next.every(({ to }) => had.has(to));
  return isSame ? { kind: 'same' } : { kind: 'changed', envelope: { ...envelope, wraps: next } };
}
