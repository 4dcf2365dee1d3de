/** Whether anything in a journal can still be read. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { FRAME, type Frame, sealedPage } from './frame.ts';
import { journalFile, journalFolder, type JournalName, MAX_HEAD, readJournalHead } from './journal-name.ts';
import { isErasedIn } from './keys.ts';
import { FrameScanner } from './scan.ts';

/** How much is read at once: the thread has other things to do. */
const STEP = 2 * 1024 ** 2;

/** Resolves to true when the keys of every session that begins in a journal were destroyed. */
export async function isWhollyErased(folder: string, name: JournalName): Promise<boolean> {
  const fd = openSync(join(journalFolder(folder), journalFile(name)), 'r');
  try {
    const first = Buffer.alloc(MAX_HEAD);
    const head = readJournalHead(first.subarray(0, readSync(fd, first, 0, MAX_HEAD, 0)), name);
    const { size } = fstatSync(fd);
    return head === null || (await allErased(fd, head, size));
  } finally {
    closeSync(fd);
  }
}

async function allErased(fd: number, from: number, size: number): Promise<boolean> {
  const scanner = new FrameScanner();
  const pages = new Map<number, Buffer>();
  const left: Frame[] = [];
  const look = (frame: Frame): void => {
    if (frame.kind === FRAME.page) pages.set(frame.seq, Buffer.from(sealedPage(frame)));
    if (frame.kind !== FRAME.opening) return;
    const page = pages.get(frame.page);
    // what cannot be understood is not thrown away
    if (page === undefined || !isErasedIn(page, frame.slot)) left.push(frame);
  };
  for (let at = from; at < size && left.length === 0; ) {
    const { end, stopped } = scanner.scan(fd, at, Math.min(size, at + STEP), look);
    if (stopped === 'torn' || end === at) return false;
    at = end;
    await wait(0);
  }
  return left.length === 0;
}
