/**
 * Which key signs which checkpoints. A key hands over to the next in a leaf: `key.rotate`, signed by the old one.
 * Checkpoints that are over that leaf are the next key's; those before it stay the old one's. So a key that was stolen
 * after it was replaced signs nothing that anybody accepts.
 */

import { decodeBundle, MAX_BUNDLE_BYTES } from './bundle.ts';
import { decodeLeaf, type Leaf } from './leaf.ts';
import type { LogReader } from './log-reader.ts';
import { Malformed } from './malformed.ts';
import { type NoteSigner, type NoteVerifier, parseVerifier } from './note-key.ts';
import { decodeBase64 } from './text.ts';
import { TILE_WIDTH, tilePath, widthAt } from './tile.ts';

/** A key, and the first size of a checkpoint that is its own. */
interface KeyEpoch {
  readonly key: NoteVerifier;
  readonly from: number;
}

/** Keys as text, with where each begins. */
export type KeyList = readonly (readonly [string, number])[];

/** What a leaf says that hands over. */
export type Rotation = Leaf & { readonly type: 'key.rotate' };

const handoverText = (from: NoteVerifier, next: string): string =>
  `sallyport ledger key rotation v1\n${from.name}\n${from.vkey}\n${next}\n`;

/** Returns the members of the leaf in which a key hands over to the next. */
export const handOver = ({ verifier, sign }: NoteSigner, next: NoteVerifier) =>
  ({
    type: 'key.rotate',
    from: verifier.vkey,
    next: next.vkey,
    sig: sign(handoverText(verifier, next.vkey)).toBase64(),
  }) as const;

/** Returns the key that a leaf hands over to. Throws Malformed unless `key` has signed that, for the same log. */
export const successor = (key: NoteVerifier, { from, next, sig }: Rotation): NoteVerifier => {
  if (from !== key.vkey) throw new Malformed('hands over from another key than the one in force');
  if (!key.verify(handoverText(key, next), decodeBase64(sig)))
    throw new Malformed('is not signed by the key that hands over');
  const verifier = parseVerifier(next);
  if (verifier.name !== key.name) throw new Malformed(`hands over to a key of ${JSON.stringify(verifier.name)}`);
  return verifier;
};

/** The keys of a log: those to trust, in the order in which they came into force. */
export class KeyEpochs {
  readonly #epochs: KeyEpoch[];
  #last: NoteVerifier;

  /** `first` signs from the beginning on. */
  constructor(first: NoteVerifier) {
    this.#epochs = [{ key: first, from: 0 }];
    this.#last = first;
  }

  /** Returns the keys of a `list`. Throws Malformed for an empty one, or keys that are none. */
  static of(list: KeyList): KeyEpochs {
    const [first, ...rest] = list.map(([vkey, from]) => ({ key: parseVerifier(vkey), from }));
    if (first === undefined) throw new Malformed('a log without a key');
    const keys = new KeyEpochs(first.key);
    for (const epoch of rest) {
      keys.#epochs.push(epoch);
      keys.#last = epoch.key;
    }
    return keys;
  }

  /** The keys as text, with the smallest size of a checkpoint that is theirs, oldest first. */
  get list(): KeyList {
    return this.#epochs.map(({ key, from }) => [key.vkey, from] as const);
  }

  /** The key that is in force at the end. */
  get last(): NoteVerifier {
    return this.#last;
  }

  /** Adds the key that the leaf with this number hands over to. Throws Malformed when it is not its key that does. */
  add(number: number, rotation: Rotation): void {
    this.#last = successor(this.#last, rotation);
    this.#epochs.push({ key: this.#last, from: number + 1 });
  }

  /** Returns the key that must have signed a checkpoint of this size. */
  at(size: number): NoteVerifier {
    return this.#epochs.findLast(({ from }) => from <= size)?.key ?? this.#last;
  }

  /** True when a key is in force at some time. */
  includes({ vkey }: NoteVerifier): boolean {
    return this.#epochs.some(({ key }) => key.vkey === vkey);
  }

  /** True when the leaf with this number is one that was added. */
  has(number: number): boolean {
    return this.#epochs.some(({ from }) => from === number + 1);
  }
}

/** Cheaper than to decode every leaf: only these have the word in them. */
const WORD = new TextEncoder().encode('"key.rotate"');

const holdsWord = (leaf: Uint8Array): boolean => {
  for (let at = leaf.indexOf(WORD[0] ?? 0); at !== -1; at = leaf.indexOf(WORD[0] ?? 0, at + 1)) {
    if (WORD.every((byte, n) => leaf[at + n] === byte)) return true;
  }
  return false;
};

/** Returns what a leaf says that hands over; null for any other. Throws Malformed for one that is in no form of a leaf. */
export const rotationIn = (leaf: Uint8Array): Rotation | null => {
  if (!holdsWord(leaf)) return null;
  const read = decodeLeaf(leaf);
  return read.kind === 'known' && read.leaf.type === 'key.rotate' ? read.leaf : null;
};

/**
 * Yields the leaves that hand over, with their numbers, out of the bundles of a log of this size as they are stored;
 * `from` is a multiple of 256.
 */
export async function* rotationsIn(
  files: LogReader,
  size: number,
  from = 0,
): AsyncGenerator<readonly [number, Rotation]> {
  for (let first = from; first < size; first += TILE_WIDTH) {
    const place = { level: 'entries', index: first / TILE_WIDTH, width: TILE_WIDTH } as const;
    const own = await files.read(tilePath({ ...place, width: widthAt(place, size) }), MAX_BUNDLE_BYTES);
    const bytes = own ?? (await files.read(tilePath(place), MAX_BUNDLE_BYTES));
    for (const [at, leaf] of bytes === null ? [] : decodeBundle(bytes).entries()) {
      const rotation = rotationIn(leaf);
      if (rotation !== null) yield [first + at, rotation];
    }
  }
}
