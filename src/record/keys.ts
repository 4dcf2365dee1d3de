/**
 * Keys of sessions. They come in pages, one random fill each; a page is sealed under the recording key and written to
 * its journal before its first use. Losing a page's ciphertext or the recording key loses what was recorded under it.
 */

import { hash, randomFillSync } from 'node:crypto';
import { open, seal } from './cobblestone.ts';

/** Slots of a page. Slot 0 is the journal's own, for what belongs to no session. */
export const PAGE_SLOTS = 128;
/** The slot for refusals of strangers. */
export const JOURNAL_SLOT = 0;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const SLOT_BYTES = KEY_BYTES + NONCE_BYTES;

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

/** Returns the page sealed under the recording key (32 bytes). */
export const sealPage = (page: KeyPage, recordingKey: Uint8Array): Buffer =>
  seal(recordingKey, pageContext(page.name), page.slots);

/** Returns the page that was sealed under this name. Throws when it was not, or when it was changed. */
export function openPage(name: PageName, recordingKey: Uint8Array, sealed: Buffer): KeyPage {
  const slots = open(recordingKey, pageContext(name), sealed);
  if (slots.length !== PAGE_SLOTS * SLOT_BYTES) throw new Error(`expected ${PAGE_SLOTS} slots in a key page`);
  return { name, slots };
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

/** Returns the page without the keys in `slots`: zeros stand in their place. */
export function withoutKeys({ name, slots }: KeyPage, erased: readonly number[]): KeyPage {
  const left = Buffer.from(slots);
  for (const slot of erased) left.fill(0, slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
  return { name, slots: left };
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
