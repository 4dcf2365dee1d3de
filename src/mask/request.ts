/** mask.request: the one masked rendering of an inspected body. */

import type { Finding } from '../call.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import type { Asked, Content, Rendering } from '../protocol/content.ts';
import type { JsonDocument } from '../protocol/json/json.ts';
import { atOnce, type Steps } from '../turns.ts';
import { maskingPieces, rolesOf } from './content.ts';
import { maskingDocument } from './document.ts';
import type { Sealer } from './signed.ts';
import type { TextMasker } from './text-masker.ts';

/**
 * Returns, in steps, the body with every text masked and everything else as it came; the very same bytes when nothing was
 * masked. `asked` is what was read of it: by that it is known whose text each is. Throws Failure `mask-blocked` when the
 * masker blocks, or when two masked member names come out alike.
 */
export function* maskingRequest(
  document: JsonDocument,
  codec: Codec,
  operation: Operation,
  masker: TextMasker,
  found: (finding: Finding) => void,
  asked: readonly Asked[] = [],
): Steps<Buffer> {
  const roleAt = (masker.at === undefined ? undefined : rolesOf({ asked })) ?? (() => null);
  const mask = { codec, operation, masker, found, roleAt };
  const text = yield* maskingDocument(mask, document.text, document.value, 'mask-blocked', () => false);
  return text === document.text ? document.bytes : Buffer.from(text);
}

/** Returns what `maskingRequest` comes to. */
export const maskRequest = (...how: Parameters<typeof maskingRequest>): Buffer => atOnce(maskingRequest(...how));

/**
 * Returns, in steps, the body with every text in it masked, and what its head must say of it; null when nothing was masked. What
 * `sealer` opens stays as it is: it goes back to the model server that said it. Throws Failure `mask-blocked` as maskRequest
 * does, and `body-unreadable` for a seal that cannot be opened.
 */
export const maskingContent = (
  content: Content,
  codec: Codec,
  masker: TextMasker,
  found: (finding: Finding) => void,
  sealer?: Sealer,
): Steps<Rendering | null> => {
  const mask = { codec, masker, found, collision: 'mask-blocked', withheld: () => false } as const;
  return maskingPieces(content, sealer === undefined ? mask : { ...mask, opener: sealer });
};

/** Returns what `maskingContent` comes to. */
export const maskContent = (...how: Parameters<typeof maskingContent>): Rendering | null =>
  atOnce(maskingContent(...how));
