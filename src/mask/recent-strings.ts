/** Masks the strings of events that are no growing text. Most of them are the same in every event of a stream. */

import type { JsonStep } from '../call.ts';
import type { Steps } from '../turns.ts';
import { type DocumentMask, maskingString, maskString } from './document.ts';

const LONGEST = 128;
const MOST = 256;

/** The masks of one stream's strings, the recent short ones remembered. */
export class RecentStrings {
  readonly mask: DocumentMask;
  private readonly known = new Map<string, string>();

  constructor(mask: DocumentMask) {
    this.mask = mask;
  }

  /** Returns the string at this place of an event, masked. */
  at(path: readonly JsonStep[], text: string, document: unknown): string {
    const { codec, operation } = this.mask;
    // The kind decides first: what is harmless as a text may hide something as JSON.
    return codec.kind(operation, path, text, document) === 'text' && this.mask.masker.at === undefined
      ? this.text(text)
      : maskString(this.mask, path, text, document);
  }

  /** Returns, in steps, the long string at this place of an event, masked. */
  long(path: readonly JsonStep[], text: string, document: unknown): Steps<string> {
    return maskingString(this.mask, path, text, document);
  }

  /** Returns the text, masked. */
  text(text: string): string {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const masked = this.mask.masker.whole(text, this.mask.found);
    if (text.length <= LONGEST && this.known.size < MOST) this.known.set(text, masked);
    return masked;
  }
}
