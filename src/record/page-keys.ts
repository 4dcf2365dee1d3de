/**
 * Recording keys: what pages of session keys are sealed under. There is one that new pages get; pages of before name
 * theirs, so that nobody has to try.
 */

import { hash } from 'node:crypto';

/** How many bytes of an id stand in front of a page. */
export const TAG_BYTES = 8;

/** A recording key in the clear. Lives in memory only. */
export interface RecordingKey {
  /** SHA-256 of a label and the key, hex: names it everywhere, and commits to it. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

const LABEL = Buffer.from('sallyport recording key id v1\0', 'ascii');

/** Returns a recording key with its id. */
export const recordingKeyOf = (key: Uint8Array): RecordingKey => ({
  id: hash('sha256', Buffer.concat([LABEL, key]), 'hex'),
  key,
});

/** Returns the first bytes of an id, as they stand in front of a page. */
export const tagOf = ({ id }: Pick<RecordingKey, 'id'>): Buffer => Buffer.from(id.slice(0, 2 * TAG_BYTES), 'hex');

/** Opens pages. */
export interface PageOpener {
  /** Returns the key whose id begins with `tag`. Throws MissingKey when it is not at hand. */
  find(tag: Buffer): RecordingKey;
}

/** Thrown when a page cannot be opened because its recording key is elsewhere, or destroyed. */
export class MissingKey extends Error {
  /** `why` says what keeps it from being unwrapped, where somebody was asked. */
  constructor(tag: Buffer, why = '') {
    super(`the recording key ${tag.toString('hex')} is not at hand${why === '' ? '' : `: ${why}`}`);
    this.name = 'MissingKey';
  }
}

/** Thrown when a page can never be opened again: its recording key was destroyed. */
export class DestroyedKey extends MissingKey {
  constructor(tag: Buffer) {
    super(tag, 'it was destroyed, and with it what was recorded under it; the ledger says when');
    this.name = 'DestroyedKey';
  }
}
