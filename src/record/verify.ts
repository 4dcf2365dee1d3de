/**
 * Holds journals against the ledger: every frame in a journal is the one that a leaf commits to, and every frame that a
 * leaf commits to is there, in its order. Needs no key: leaves hash what is stored.
 */

import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Leaf } from '../ledger/leaf.ts';
import { FrameHashes } from './frame-hashes.ts';
import { FRAME } from './frame.ts';
import { JournalHash } from './journal-hash.ts';
import type { ScanAll, ScanOrder } from './journal-pool.ts';
import { type Damage, framesOf, type JournalScan, type ScannedFrame, scanJournal } from './journal-scan.ts';
import {
  type JournalName,
  journalFile,
  listJournals,
  listStrayFiles,
  readJournalFile,
  streamKey,
} from './journal-name.ts';
import { isForNobody, keyFolder, listStrayKeys } from './key-envelope.ts';
import { type SealedEnvelope, type SealedSession, SealedSessions } from './sealed-sessions.ts';

/** Something that contradicts the ledger. */
export interface JournalProblem {
  /** Empty where it concerns no session, no file. */
  readonly session: string;
  readonly file: string;
  /** Where in the file; -1 for none. */
  readonly offset: number;
  readonly found: string;
}

/** What a check of the journals found. */
export interface JournalReport {
  readonly files: number;
  readonly frames: number;
  /** Sessions that have a start in the ledger, and those of them that have no end yet. */
  readonly sessions: number;
  readonly open: number;
  /** Frames of the run that is under way (or died last) that have no leaf yet. */
  readonly unsealed: number;
  /** Bytes that crashes left torn, as the ledger says. */
  readonly torn: number;
  /** Sessions whose keys were destroyed, and journals that were removed with all that was in them. */
  readonly erased: number;
  readonly removed: number;
  readonly problems: readonly JournalProblem[];
}

interface Progress {
  readonly sealed: SealedSession;
  readonly file: string;
  readonly offset: number;
  readonly hashes: FrameHashes;
  seq: number;
}

/** A journal that is being read. */
interface Reading {
  readonly file: string;
  readonly isClosed: boolean;
}

/** A check under way: first all leaves in their order, then the files. */
export class JournalCheck {
  readonly #folder: string;
  readonly #leaves = new SealedSessions();
  readonly #found = new Map<string, Progress>();
  readonly #problems: JournalProblem[] = [];
  #frames = 0;
  #unsealed = 0;

  /** `folder` is the data folder, or a copy of it. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes the leaf with this number. */
  leaf(number: number, leaf: Leaf): void {
    this.#leaves.add(number, leaf);
  }

  /** Returns what the journals are against the leaves that were taken. */
  finish(): JournalReport {
    const names = this.#begin();
    for (const { name, end } of this.#orders(names)) this.#checkScan(name, scanJournal(this.#folder, name, end));
    return this.#end(names);
  }

  /** Resolves to the same, with the journals scanned by `scan`: on other threads (journal-pool.ts). */
  async finishWith(scan: ScanAll, progress: (done: number, all: number) => void): Promise<JournalReport> {
    const names = this.#begin();
    const orders = this.#orders(names);
    let at = 0;
    for await (const scanned of scan(orders)) {
      const order = orders[at++];
      if (order !== undefined) this.#checkScan(order.name, scanned);
      progress(at, orders.length);
    }
    if (at < orders.length) throw new RangeError(`expected ${orders.length} journals, ${at} were scanned`);
    return this.#end(names);
  }

  #begin(): readonly JournalName[] {
    for (const found of this.#leaves.problems) this.#problem('', '', -1, found);
    for (const file of listStrayFiles(this.#folder)) this.#problem('', file, -1, 'is no journal');
    return listJournals(this.#folder);
  }

  /** Returns what is to be scanned, after telling of journals of which no leaf says how they end. */
  #orders(names: readonly JournalName[]): readonly ScanOrder[] {
    return names.flatMap((name) => {
      const sealed = this.#leaves.journals.get(journalFile(name));
      if (sealed !== undefined || this.#isLive(name, names)) return [{ name, end: sealed?.bytes ?? null }];
      this.#problem('', journalFile(name), -1, 'no leaf closes it, and the run that wrote it has ended');
      return [];
    });
  }

  #end(names: readonly JournalName[]): JournalReport {
    const files = new Set(names.map(journalFile));
    for (const [file, { leaf }] of this.#leaves.journals) {
      const removed = this.#leaves.removed.get(file);
      if (!files.has(file) && removed === undefined) this.#problem('', file, -1, `is missing; leaf ${leaf} closed it`);
      if (files.has(file) && removed !== undefined) this.#problem('', file, -1, `is there; leaf ${removed} removed it`);
    }
    for (const file of missingNumbers([...files, ...this.#leaves.journals.keys()])) {
      this.#problem('', file, -1, 'is missing; later ones of its line are there');
    }
    this.#checkEnvelopes();
    const open = this.#checkSessions(names);
    const torn = [...this.#leaves.journals.values()].reduce((sum, journal) => sum + journal.torn, 0);
    const { sessions, erased, removed } = this.#leaves;
    const counts = { files: names.length, frames: this.#frames, sessions: sessions.size };
    return {
      ...counts,
      erased: erased.size,
      removed: removed.size,
      open,
      unsealed: this.#unsealed,
      torn,
      problems: this.#problems,
    };
  }

  /** Only the last run may have what is not sealed; or the ones before it, until it has sealed them and begins its own. */
  #isLive({ instance }: { readonly instance: string }, names: readonly JournalName[]): boolean {
    const { started, stopped } = this.#leaves;
    if (stopped.has(instance)) return false;
    const last = started.at(-1);
    return instance === last || (started.includes(instance) && !names.some((name) => name.instance === last));
  }

  #checkScan(name: JournalName, scan: JournalScan): void {
    const file = journalFile(name);
    const sealed = this.#leaves.journals.get(file) ?? null;
    const { size, head } = scan;
    const end = sealed === null ? size : sealed.bytes;
    if (end > size) this.#problem('', file, size, `is cut off: expected ${end} bytes, found ${size}`);
    if (sealed !== null && size > end + sealed.torn) {
      this.#problem('', file, end + sealed.torn, `has ${size - end - sealed.torn} bytes behind its end`);
    }
    // a file that a crash left without a head is closed with nothing in it
    if (head === null && end > 0) return this.#problem('', file, 0, 'does not begin as this journal');
    if (head === null) return;
    const content = new JournalHash(head);
    const isWhole = this.#checkFrames(scan, { file, isClosed: sealed !== null }, content);
    if (sealed !== null && isWhole && end <= size && content.digest() !== sealed.ct) {
      this.#problem('', file, -1, `is not what leaf ${sealed.leaf} closed`);
    }
  }

  /**
   * Returns whether whole frames fill the file. What is damaged is told, and what is behind it looked at. In a journal
   * that no leaf closed yet, a crash may have torn what is not sealed: there it is told once something sealed stands at it
   * or behind it.
   */
  #checkFrames(scan: JournalScan, { file, isClosed }: Reading, content: JournalHash): boolean {
    const damages: Damage[] = [];
    let met = 0;
    const meetDamage = (frames: number): void => {
      for (let next = scan.damages[met]; next !== undefined && next.before <= frames; next = scan.damages[met]) {
        damages.push(next);
        met++;
      }
      if (isClosed) tellDamages();
    };
    const tellDamages = (): void => {
      for (const damage of damages.splice(0)) this.#damaged(file, damage);
    };
    let count = 0;
    for (const frame of framesOf(scan)) {
      meetDamage(count++);
      // a page without the keys that were destroyed stands for the one that was written first
      const first = frame.kind === FRAME.page ? this.#leaves.firstPage(frame.ct) : frame.ct;
      this.#checkDestroyed(frame, file);
      const unsealed = this.#unsealed;
      this.#checkFrame(frame, content.addHash(first), file, isClosed);
      if (this.#unsealed === unsealed) tellDamages();
    }
    meetDamage(count);
    return scan.damages.length === 0;
  }

  #damaged(file: string, { offset, next, frame }: Damage): void {
    const rest = next === null ? 'nor behind it' : `the next one is at ${next}`;
    const damage = 'its bytes do not have their checksum';
    const found = frame === null ? `holds no whole frame here, ${rest}` : `frame ${frame.seq}: ${damage}`;
    this.#problem(frame?.session ?? '', file, offset, found);
  }

  /** Without the file of its key nobody can read what was recorded under it, though every frame is there. */
  #checkEnvelopes(): void {
    for (const [file, envelope] of this.#leaves.envelopes) {
      const stored = readIfThereSync(join(keyFolder(this.#folder), file));
      if (stored === null)
        this.#problem('', file, -1, `is missing: it holds the key of leaf ${envelope.leaf}, wrapped`);
      else this.#checkEnvelope(file, stored, envelope);
    }
    for (const file of listStrayKeys(this.#folder)) this.#problem('', file, -1, 'is the file of no recording key');
  }

  #checkEnvelope(file: string, stored: Buffer, { ct, leaf, isDestroyed, before }: SealedEnvelope): void {
    const found = hash('sha256', stored, 'hex');
    if (found === ct) {
      if (isDestroyed && !isForNobody(stored))
        this.#problem(
          '',
          file,
          -1,
          `is what leaf ${leaf} commits to, and still for somebody, though that destroyed it`,
        );
      return;
    }
    if (!before.includes(found)) return this.#problem('', file, -1, `is not what leaf ${leaf} commits to`);
    const mend = 'when the gateway died there, its next start mends it';
    const what = isDestroyed
      ? `holds a key that leaf ${leaf} says was destroyed`
      : `is what it was before leaf ${leaf}`;
    this.#problem('', file, -1, `${what}; ${mend}`);
  }

  #checkDestroyed({ kind, ct, offset }: ScannedFrame, file: string): void {
    const leaf = kind === FRAME.page ? this.#leaves.destroyedBy(ct) : undefined;
    if (leaf === undefined) return;
    const mend = 'when the gateway died there, its next start destroys them';
    this.#problem('', file, offset, `holds keys that leaf ${leaf} says were destroyed; ${mend}`);
  }

  /** `ct` is the hash that leaves know the frame by. */
  #checkFrame(frame: ScannedFrame, ct: string, file: string, isClosed: boolean): void {
    this.#frames++;
    if (frame.kind === FRAME.page || frame.kind === FRAME.refusals) {
      if (!this.#leaves.others.has(ct)) this.#unknown('', file, frame.offset, isClosed, 'no leaf commits to it');
      return;
    }
    if (frame.kind === FRAME.opening) this.#checkOpening(frame, ct, file, isClosed);
    else this.#checkLater(frame, ct, file, isClosed);
  }

  #checkOpening({ id, offset }: ScannedFrame, ct: string, file: string, isClosed: boolean): void {
    const sealed = this.#leaves.sessions.get(id);
    if (sealed === undefined) return this.#unknown(id, file, offset, isClosed, 'no leaf starts the session');
    if (this.#found.has(id)) return this.#problem(id, file, offset, 'a second opening');
    if (sealed.ct !== ct) this.#problem(id, file, offset, `the opening is not the one of leaf ${sealed.leaf}`);
    this.#found.set(id, { sealed, file, offset, hashes: new FrameHashes(), seq: 0 });
  }

  #checkLater({ id, seq, offset, length }: ScannedFrame, ct: string, file: string, isClosed: boolean): void {
    const progress = this.#found.get(id);
    // the journal in which it began was removed
    if (progress === undefined && this.#leaves.erased.has(id)) return;
    if (progress === undefined) return this.#unknown(id, file, offset, isClosed, 'a frame without its opening');
    if (seq !== progress.seq + 1) {
      this.#problem(id, file, offset, `expected frame ${progress.seq + 1}, found frame ${seq}`);
    }
    progress.seq = seq;
    progress.hashes.add(ct, length);
    if (progress.sealed.end === null) this.#unknown(id, file, offset, false, '');
  }

  /** Returns how many sessions have no end. */
  #checkSessions(names: readonly JournalName[]): number {
    let open = 0;
    for (const [id, sealed] of this.#leaves.sessions) {
      const progress = this.#found.get(id);
      const isWhole = progress !== undefined && sealed.end !== null && progress.hashes.isCommittedBy(sealed.end);
      // of a session that was erased, journals may have been removed
      if (!isWhole && this.#leaves.erased.has(id) && this.#leaves.removed.size > 0) continue;
      if (progress === undefined)
        this.#problem(id, '', -1, `no journal holds its opening; leaf ${sealed.leaf} started it`);
      if (sealed.end === null) {
        open++;
        if (progress !== undefined && !this.#isLiveFile(progress.file, names)) {
          this.#problem(id, progress.file, progress.offset, 'no leaf ends it, and the run that wrote it has ended');
        }
      } else if (progress !== undefined && !isWhole) {
        this.#problem(id, progress.file, progress.offset, 'its frames are not those that its last leaf commits to');
      }
    }
    return open;
  }

  #isLiveFile(file: string, names: readonly JournalName[]): boolean {
    const name = names.find((each) => journalFile(each) === file);
    return name !== undefined && this.#isLive(name, names);
  }

  /** In a journal that is still written, what has no leaf yet is not wrong. */
  #unknown(session: string, file: string, offset: number, isClosed: boolean, found: string): void {
    if (isClosed) this.#problem(session, file, offset, found);
    else this.#unsealed++;
  }

  #problem(session: string, file: string, offset: number, found: string): void {
    this.#problems.push({ session, file, offset, found });
  }
}

/** Returns the names that are missing in front of the last one of each line of journals. */
function missingNumbers(files: readonly string[]): readonly string[] {
  const all = new Set(files);
  const last = new Map<string, JournalName>();
  for (const name of files.map(readJournalFile).filter((each) => each !== null)) {
    if (name.n > (last.get(streamKey(name))?.n ?? -1)) last.set(streamKey(name), name);
  }
  return [...last.values()]
    .flatMap((name) => Array.from({ length: name.n }, (_, n) => journalFile({ ...name, n })))
    .filter((file) => !all.has(file));
}

function readIfThereSync(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
