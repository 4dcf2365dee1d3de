/** How an entity is replaced: one entry for each operator. */

import type { Hmac } from 'node:crypto';
import type { MaskOperator } from '../call.ts';
import { type Detector, entityOf } from '../detect/detector.ts';
import { beginDigest, endDigest } from '../detect/digest.ts';
import { Failure } from '../reasons.ts';
import { type EncryptionKeys, encryptValue } from './encrypt.ts';
import type { Tokens } from './tokens.ts';

/** What replaces one finding. Its text comes in pieces, so that no operator needs all of it at once. */
export interface Mask {
  /** What goes out as soon as the finding begins. */
  readonly opening: string;
  /** Takes the next piece of the finding's text; returns what goes out at once. */
  add(piece: string): string;
  /** Returns what goes out when the finding has ended. */
  closing(): string;
}

/** Makes masks for the findings of one session: the same value gets the same mask. */
export type MaskMaker = (detector: Detector) => Mask;

const constant = (text: string): Mask => ({ opening: text, add: () => '', closing: () => '' });

const nameOf = (detector: Detector): string => entityOf(detector.kind).toUpperCase();

/** Returns a mask that is made of the keyed digest of the finding's text, in hex. */
const keyed = (detector: Detector, key: Uint8Array, closing: (hmac: Hmac) => string): Mask => {
  const hmac = beginDigest(key, detector.kind);
  return {
    opening: '',
    // As UTF-16, halves of a surrogate pair in different pieces give the same bytes as the pair.
    add(piece) {
      hmac.update(piece, 'utf16le');
      return '';
    },
    closing: () => closing(hmac),
  };
};

const KEPT = 4;
/** A shorter value would be given away by its last four. */
const LEAST = 8;

/** Returns the text with every letter and digit but the last four as `*`; all of them when there are fewer than eight. */
const keepLastFour = (text: string): string => {
  let hide = Array.from(text.matchAll(/[\p{L}\p{N}]/gu)).length;
  hide -= hide < LEAST ? 0 : KEPT;
  return text.replace(/[\p{L}\p{N}]/gu, (character) => (hide-- > 0 ? '*' : character));
};

const partial = (detector: Detector): Mask => {
  // The end of what is swallowed is not known while it is, and the tail of a secret helps nobody.
  if (detector.swallow !== undefined) return constant('*'.repeat(LEAST));
  let text = '';
  const add = (piece: string): string => {
    text += piece;
    return '';
  };
  return { opening: '', add, closing: () => keepLastFour(text) };
};

const tokenizer =
  ({ digest: key, tokens, keeps }: MaskKeys): MaskMaker =>
  (detector) => {
    let value = '';
    const mask = keyed(detector, key, (hmac) => {
      const token = tokens.tokenOf(nameOf(detector), hmac.digest('hex'));
      if (keeps) tokens.keep(token, value);
      return token;
    });
    if (!keeps) return mask;
    return {
      ...mask,
      add(piece) {
        value += piece;
        return mask.add(piece);
      },
    };
  };

/** A longer value is held in memory while it is swallowed; UTF-16 units. */
const LONGEST_ENCRYPTED = 64 * 1024;

const encrypter =
  (keys: EncryptionKeys | null): MaskMaker =>
  (detector) => {
    if (keys === null) throw new Failure('mask-blocked', 'expected a key to encrypt with');
    let value = '';
    return {
      opening: '',
      add(piece) {
        value += piece;
        if (value.length > LONGEST_ENCRYPTED)
          throw new Failure('mask-blocked', `expected a value of at most ${LONGEST_ENCRYPTED} units to encrypt`);
        return '';
      },
      closing: () => encryptValue(keys, nameOf(detector), value),
    };
  };

/** What rules name, and `keep`: the text stays, and what was found in it is only told. */
export type Operator = MaskOperator | 'keep';

/** What masks are made with. */
export interface MaskKeys {
  /** What `hash` and `tokenize` digest values under. */
  readonly digest: Uint8Array;
  /** What `encrypt` encrypts with; null where the rule has no such key. */
  readonly encryption: EncryptionKeys | null;
  /** The tokens of the call. */
  readonly tokens: Tokens;
  /** What `tokenize` replaces may be put back. */
  readonly keeps: boolean;
}

const MAKERS: Readonly<Record<Operator, (keys: MaskKeys) => MaskMaker>> = {
  replace: () => (detector) => constant(`<${nameOf(detector)}>`),
  mask: () => partial,
  redact: () => () => constant('[redacted]'),
  hash:
    ({ digest: key }) =>
    (detector) =>
      keyed(detector, key, (hmac) => `<${nameOf(detector)}:${endDigest(hmac)}>`),
  tokenize: tokenizer,
  encrypt: ({ encryption }) => encrypter(encryption),
  drop: () => () => constant(''),
  keep: () => () => ({ opening: '', add: (piece) => piece, closing: () => '' }),
  block: () => (detector) => {
    throw new Failure('mask-blocked', `expected a text without ${entityOf(detector.kind)}, found one`);
  },
};

/**
 * Returns a maker of masks for a new session. `replace` writes `<EMAIL>`; `mask` stars all but the last four letters and
 * digits; `redact` writes `[redacted]`; `hash` writes `<EMAIL:…>` with an HMAC-SHA-256, cut to 64 bits; `encrypt` what
 * encrypt.ts says;
 * `tokenize` writes `<EMAIL_1>`, the same for the same value of a session; `drop` writes nothing; `keep` leaves the text alone. The maker of `block`
 * throws Failure `mask-blocked`.
 */
export const createMaskMaker = (operator: Operator, keys: MaskKeys): MaskMaker => MAKERS[operator](keys);
