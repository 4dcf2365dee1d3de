/** mask.request: the one masked rendering of an inspected body. */

import type { Finding } from '../call.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import type { JsonDocument } from '../protocol/json.ts';
import { maskDocument } from './document.ts';
import type { TextMasker } from './text-masker.ts';

/**
 * Returns the body with every text masked and everything else as it came; the very same bytes when nothing was masked.
 * Throws Failure `mask-blocked` when the masker blocks, or when two masked member names come out alike.
 */
export const maskRequest = (
  document: JsonDocument,
  codec: Codec,
  operation: Operation,
  masker: TextMasker,
  found: (finding: Finding) => void,
): Buffer => {
  const mask = { codec, operation, masker, found };
  const text = maskDocument(mask, document.text, document.value, 'mask-blocked', () => false);
  return text === document.text ? document.bytes : Buffer.from(text);
};
