/**
 * Erases recordings whose time is over, in the background: one page of keys at a time, resting as long as it worked, so
 * that calls never wait for it.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Holds } from '../store/holds.ts';
import type { SessionRow } from '../store/sessions.ts';
import { type Eraser, isClosed } from './erase.ts';
import { isWhollyErased } from './erased-journal.ts';
import { journalFile, journalFolder, type JournalName, listJournals, streamKey } from './journal-name.ts';
import type { Memo } from './memo.ts';
import { readPlaces } from './places.ts';
import { DEFAULT, factsOf, type RetentionRules, ruleFor } from './retention-rules.ts';
import { firstIdAt } from './session-id.ts';
import { fileOf } from './watermarks.ts';
import { DestroyedKey, type PageOpener } from './page-keys.ts';

/** Reads the index for retention, oldest first. */
export interface OldSessions {
  /** Returns sessions with ids above `after` and below `before`, at most `limit`. */
  between(after: string, before: string, limit: number): Promise<readonly SessionRow[]>;
  /** Returns the places of the sessions of a line of journals with ids above `after` and below `before`. */
  places(
    stream: string,
    after: string,
    before: string,
    limit: number,
  ): Promise<readonly Pick<SessionRow, 'id' | 'places'>[]>;
}

/** What retention works with. */
export interface RetentionParts {
  /** The data folder. */
  readonly folder: string;
  readonly pageKeys: PageOpener;
  readonly rules: RetentionRules;
  readonly sessions: OldSessions;
  readonly holds: Holds;
  readonly eraser: Eraser;
  readonly memo: () => Memo;
  readonly now: () => number;
  readonly log: Log;
  /** Asks for new journals: what is due stands in one that is still written. */
  readonly rotate: () => void;
  /** Forgets the refusals of strangers that were over before then (ms since the epoch). */
  readonly forgetRefusals: (at: number) => void;
  /** Erases what was asked for. */
  readonly wished: () => Promise<void>;
}

const EVERY_MS = 60_000;
const BATCH = 256;
const SLICE = 8;
const WHO = 'retention';

/** Retention under way. */
export class Retention {
  readonly #parts: RetentionParts;
  /** For each time that something is kept, up to which session it was looked at. */
  readonly #seen = new Map<number, string>();
  #held = '';
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Begins to work, now and then every minute. */
  start(): void {
    const run = (): void => {
      this.#running = this.#passAndWait(run);
    };
    run();
  }

  async #passAndWait(then: () => void): Promise<void> {
    try {
      await this.pass();
    } catch (err) {
      this.#parts.log.error({ err }, 'retention failed; it tries again in a minute');
    }
    if (!this.#isStopping) this.#timer = setTimeout(then, EVERY_MS).unref();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  /** Erases everything that is due. */
  async pass(): Promise<void> {
    const { rules, now, log, eraser, forgetRefusals, wished } = this.#parts;
    const before = { ...eraser.totals };
    await wished();
    this.#lookAgain();
    const times = [...new Set([rules.keep, ...rules.rules.map(({ keep }) => keep)])].toSorted((a, b) => a - b);
    for (const keep of times) await this.#eraseKept(keep);
    forgetRefusals(now() - rules.keep);
    await this.#removeJournals(now() - (times[0] ?? rules.keep));
    const sessions = eraser.totals.sessions - before.sessions;
    const journals = eraser.totals.journals - before.journals;
    if (sessions + journals > 0) log.info({ sessions, journals }, 'erased recordings whose time is over');
  }

  /** When holds have changed, what was passed over may be due. */
  #lookAgain(): void {
    const held = this.#parts.holds
      .held()
      .map(({ sid }) => sid)
      .join();
    if (held !== this.#held) this.#seen.clear();
    this.#held = held;
  }

  /** Erases what is kept for exactly so long. */
  async #eraseKept(keep: number): Promise<void> {
    const { sessions, now } = this.#parts;
    const until = firstIdAt(now() - keep);
    let after = this.#seen.get(keep) ?? '';
    while (!this.#isStopping) {
      const rows = await sessions.between(after, until, BATCH);
      const last = rows.at(-1);
      if (last === undefined) return;
      if (!(await this.#eraseSome(rows, keep))) return;
      after = last.id;
      this.#seen.set(keep, after);
    }
  }

  /** Returns false when something has to wait, so that these are looked at once more. */
  async #eraseSome(rows: readonly SessionRow[], keep: number): Promise<boolean> {
    const { eraser, holds, memo, rotate } = this.#parts;
    const now = memo();
    const due: SessionRow[] = [];
    for (const [at, row] of rows.entries()) {
      if (row.end_leaf >= 0 && !holds.isHeld(row.id) && this.#keepOf(row) === keep) due.push(row);
      // opening a session may take a read and a decryption: what is written now must not wait for many of them
      if (at % SLICE === SLICE - 1) await wait(0);
    }
    const closed = due.filter((row) => isClosed(row, now));
    const named = Map.groupBy(closed, (row) => this.#ruleOf(row).name);
    for (const [rule, group] of named) {
      for (const page of Map.groupBy(group, ({ stream, places }) => `${stream} ${readPlaces(places)[0]}`).values()) {
        const began = performance.now();
        await eraser.sessions(page, { rule, who: WHO });
        await wait(performance.now() - began);
      }
    }
    if (closed.length < due.length) rotate();
    return closed.length === due.length && rows.every(({ end_leaf }) => end_leaf >= 0);
  }

  #ruleOf(row: SessionRow): { readonly name: string; readonly keep: number } {
    const { rules } = this.#parts;
    try {
      return ruleFor(rules, factsOf(row, rules, this.#parts));
    } catch (error) {
      // nothing of it is left that a rule could keep for longer
      if (error instanceof DestroyedKey) return { name: DEFAULT, keep: rules.keep };
      throw error;
    }
  }

  #keepOf(row: SessionRow): number {
    try {
      return this.#ruleOf(row).keep;
    } catch (err) {
      this.#parts.log.error({ err, session: row.id }, 'a session that is due cannot be read');
      return -1;
    }
  }

  /** Removes closed journals that were last written before `at` and hold nothing that is still kept. */
  async #removeJournals(at: number): Promise<void> {
    const { folder, eraser } = this.#parts;
    for (const name of listJournals(folder)) {
      if (this.#isStopping) return;
      const { mtimeMs } = statSync(join(journalFolder(folder), journalFile(name)));
      if (mtimeMs >= at || !this.#isOver(name) || (await this.#isNeeded(name, mtimeMs))) continue;
      // the index is a cache: what it does not know of may stand there all the same
      if (await isWhollyErased(folder, name)) await eraser.journal(journalFile(name));
    }
  }

  /** True when nothing will read the journal to go on after a crash. */
  #isOver({ instance, worker, n }: JournalName): boolean {
    const { open } = this.#parts.memo();
    const progress = open[instance]?.[String(worker)];
    if (open[instance] === undefined || progress?.closed === true) return true;
    return progress !== undefined && n < fileOf(progress.low);
  }

  /** True when a session has frames in the journal, which may have begun in an earlier one. */
  async #isNeeded(name: JournalName, written: number): Promise<boolean> {
    const until = firstIdAt(written + 1);
    for (let after = ''; ; await wait(1)) {
      const rows = await this.#parts.sessions.places(streamKey(name), after, until, BATCH);
      const last = rows.at(-1);
      if (last === undefined) return false;
      if (rows.some(({ places }) => readPlaces(places).some((place) => fileOf(place) === name.n))) return true;
      after = last.id;
    }
  }
}
