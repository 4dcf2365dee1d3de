/**
 * Keys of sessions. They come in pages, one random fill each; a page is sealed under a recording key and written to its
 * journal before its first use. Losing a page's bytes or the recording key loses what was recorded under it.
 *
 * What is sealed are the keys XOR a pad that stands beside them in the clear: who destroys a slot of the pad destroys
 * that one key (a one-time pad), and needs no recording key for it.
 */

import { hash, randomFillSync } from 'node:crypto';
import { open, SEAL_OVERHEAD, seal } from './cobblestone.ts';
import { type PageOpener, type RecordingKey, TAG_BYTES, tagOf } from './page-keys.ts';

/** Slots of a page. Slot 0 is the journal's own, for what belongs to no session. */
export const PAGE_SLOTS = 128;
/** The slot for refusals of strangers. */
export const JOURNAL_SLOT = 0;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const SLOT_BYTES = KEY_BYTES + NONCE_BYTES;
const SLOTS_BYTES = PAGE_SLOTS * SLOT_BYTES;
/** A page as it is stored: tag of its recording key ‖ keys XOR pad, sealed ‖ pad. */
const PAD_AT = TAG_BYTES + SLOTS_BYTES + SEAL_OVERHEAD;
const STORED_BYTES = PAD_AT + SLOTS_BYTES;

/** Which page of which journals: bound into its ciphertext, so that pages cannot be swapped. */
export interface PageName {
  readonly instance: string;
  readonly worker: number;
  readonly page: number;
}

/** One page of keys in the clear. Lives in memory only. */
export interface KeyPage {
  readonly name: PageName;
  /** 128 times key (32 bytes) ‖ base nonce (12 bytes). */
  readonly slots: Buffer;
}

/** The key of one session, or of a journal's refusals: views of its page. */
export interface SlotKey {
  readonly key: Buffer;
  readonly baseNonce: Buffer;
}

/** Returns a page of fresh keys. */
export const newPage = (name: PageName): KeyPage => ({
  name,
  slots: randomFillSync(Buffer.allocUnsafeSlow(PAGE_SLOTS * SLOT_BYTES)),
});

/** Returns the page as it is stored, sealed under a recording key. */
export function sealPage({ name, slots }: KeyPage, key: RecordingKey): Buffer {
  const pad = randomFillSync(Buffer.allocUnsafe(SLOTS_BYTES));
  return Buffer.concat([tagOf(key), seal(key.key, pageContext(name), xor(slots, pad)), pad]);
}

/** Returns the page that is stored under this name. Throws when its key is not at hand, or it was changed. */
export function openPage(name: PageName, keys: PageOpener, stored: Buffer): KeyPage {
  checkStored(stored);
  const { key } = keys.find(stored.subarray(0, TAG_BYTES));
  const sealed = open(key, pageContext(name), stored.subarray(TAG_BYTES, PAD_AT));
  const slots = xor(sealed, stored.subarray(PAD_AT));
  for (let slot = 0; slot < PAGE_SLOTS; slot++) if (isErasedIn(stored, slot)) fillSlot(slots, slot);
  return { name, slots };
}

/** Returns the tag of the recording key that a stored page is sealed under, hex. */
export const keyTag = (stored: Buffer): string => stored.toString('hex', 0, TAG_BYTES);

/** Returns the stored page without the keys in `erased`: zeros stand in the place of their pads. Needs no key. */
export function withoutKeys(stored: Buffer, erased: readonly number[]): Buffer {
  checkStored(stored);
  const left = Buffer.from(stored);
  for (const slot of erased) fillSlot(left.subarray(PAD_AT), slot);
  return left;
}

/** Returns true when the key in a slot of a stored page was destroyed. */
export const isErasedIn = (stored: Buffer, slot: number): boolean =>
  stored.subarray(PAD_AT + slot * SLOT_BYTES, PAD_AT + (slot + 1) * SLOT_BYTES).every((byte) => byte === 0);

const fillSlot = (slots: Buffer, slot: number): void => void slots.fill(0, slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);

function checkStored(stored: Buffer): void {
  if (stored.length !== STORED_BYTES) throw new Error(`expected a key page of ${STORED_BYTES} bytes`);
}

function xor(bytes: Buffer, pad: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  for (let at = 0; at < bytes.length; at++) out[at] = (bytes[at] ?? 0) ^ (pad[at] ?? 0);
  return out;
}

/** Returns the key in a slot; throws when there is no such slot. */
export function slotKey(page: KeyPage, slot: number): SlotKey {
  if (slot >= PAGE_SLOTS) throw new Error(`expected a slot below ${PAGE_SLOTS}, found ${slot}`);
  const at = slot * SLOT_BYTES;
  return {
    key: page.slots.subarray(at, at + KEY_BYTES),
    baseNonce: page.slots.subarray(at + KEY_BYTES, at + SLOT_BYTES),
  };
}

/** Returns true for what stands in the place of a key that was destroyed. */
export const isErased = ({ key }: SlotKey): boolean => key.every((byte) => byte === 0);

// Reused for every session: label ‖ key ‖ base nonce.
const COMMITMENT = Buffer.from(`sallyport key commitment v1\0${' '.repeat(SLOT_BYTES)}`, 'ascii');
const BLIND = Buffer.from(`sallyport subject v1\0${' '.repeat(SLOT_BYTES)}`, 'ascii');

function labelled(label: Buffer, { key, baseNonce }: SlotKey): Buffer {
  label.set(key, label.length - SLOT_BYTES);
  label.set(baseNonce, label.length - NONCE_BYTES);
  return label;
}

/**
 * Returns the commitment to a key in hex: SHA-256(label ‖ key ‖ base nonce). GCM alone lets one ciphertext mean two
 * things under two keys; the ledger carries this, so a frame has one meaning.
 */
export const keyCommitment = (keys: SlotKey): string => hash('sha256', labelled(COMMITMENT, keys), 'hex');

/**
 * Returns a name (of a caller, of a source address) as the ledger carries it, in hex: SHA-256(label ‖ key ‖ base nonce ‖
 * the parts as a JSON array). Who holds the session's key can check it; nobody else learns it or can link two sessions
 * by it, and it dies with the key.
 */
export const blind = (keys: SlotKey, parts: readonly string[]): string =>
  hash('sha256', Buffer.concat([labelled(BLIND, keys), Buffer.from(JSON.stringify(parts))]), 'hex');

const CONTEXT_LABEL = 'sallyport key page v1\0';

/** label ‖ instance ‖ NUL ‖ u32le worker ‖ u32le page. */
function pageContext({ instance, worker, page }: PageName): Buffer {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(worker, 0);
  numbers.writeUInt32LE(page, 4);
  return Buffer.concat([Buffer.from(`${CONTEXT_LABEL}${instance}\0`, 'ascii'), numbers]);
}
