/** Key pages where they stand in their journals: read, and replaced in place by pages of the same length. */

import { open } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { FRAME, type Frame, LEAD, MAX_FRAME, readFrame, sealedPage, writePageFrame } from './frame.ts';
import { journalFolder } from './journal-name.ts';
import { withoutKeys } from './keys.ts';

/** Where a page of keys stands. */
export interface PagePlace {
  /** The data folder. */
  readonly folder: string;
  readonly stream: { readonly instance: string; readonly worker: number };
  /** File name of the journal. */
  readonly file: string;
  readonly offset: number;
}

/** A page as it stands on the disk. */
export interface StoredPage {
  /** The how-many-th of its line of journals. */
  readonly page: number;
  readonly stored: Buffer;
  /** Hash of its frame: what leaves call it. */
  readonly ct: string;
  /** Bytes of its frame, length and CRC included. */
  readonly length: number;
}

async function readPageFrame({ folder, file, offset }: PagePlace): Promise<Frame> {
  await using journal = await open(join(journalFolder(folder), file), 'r');
  const lead = Buffer.alloc(LEAD);
  await journal.read(lead, 0, LEAD, offset);
  const bytes = Buffer.alloc(LEAD + Math.min(lead.readUInt32LE(0), MAX_FRAME));
  await journal.read(bytes, 0, bytes.length, offset);
  const frame = readFrame(bytes, 0);
  if (typeof frame === 'string' || frame.kind !== FRAME.page) throw new Error(`${file} at ${offset}: no page of keys`);
  return frame;
}

/** Resolves to a page. Rejects when none stands there. */
export async function readPage(place: PagePlace): Promise<StoredPage> {
  const frame = await readPageFrame(place);
  const ct = hash('sha256', frame.bytes, 'hex');
  return { page: frame.seq, stored: sealedPage(frame), ct, length: frame.end };
}

/** A frame that is to take the place of a page. */
export interface NextPage {
  /** All its bytes, length and CRC included. */
  readonly bytes: Buffer;
  /** Its hash, as leaves write it. */
  readonly ct: string;
}

/** Returns the frame of a page without the keys in `slots`. */
export function pageWithout({ page, stored, length }: StoredPage, slots: readonly number[]): NextPage {
  const bytes = Buffer.alloc(length);
  const end = writePageFrame(bytes, 0, page, withoutKeys(stored, slots));
  if (end !== length) throw new Error(`expected a page of ${length} bytes, found ${end}`);
  return { bytes, ct: hash('sha256', bytes.subarray(LEAD), 'hex') };
}

/** Puts a frame in the place of the page that stands there; durable when it resolves. */
export async function replacePage({ folder, file, offset }: PagePlace, bytes: Uint8Array): Promise<void> {
  await using journal = await open(join(journalFolder(folder), file), 'r+');
  const { atime, mtime } = await journal.stat();
  await journal.write(bytes, 0, bytes.length, offset);
  // the time of the last write says how old the youngest recording in it can be
  await journal.utimes(atime, mtime);
  await journal.datasync();
}
