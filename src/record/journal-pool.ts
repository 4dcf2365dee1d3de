/** Scans journals on several threads, ahead of who holds them against their ledger. */

import { Checker, entryBeside } from '../ledger/verify-threads.ts';
import type { JournalName } from './journal-name.ts';
import type { JournalScan } from './journal-scan.ts';

/** One journal, and how much of it; null for all. */
export interface ScanOrder {
  readonly name: JournalName;
  readonly end: number | null;
}

/** Yields the scans of journals in the order in which they are given. */
export type ScanAll = (orders: readonly ScanOrder[]) => AsyncIterable<JournalScan>;

/** Threads that scan. */
export interface JournalPool {
  readonly scan: ScanAll;
  end(): Promise<void>;
}

/**
 * Returns a pool that scans journals of the data folder on `threads` threads, two for each ahead of who takes them:
 * memory is bounded by these, at some hundred bytes a frame.
 */
export function openJournalPool(folder: string, threads: number): JournalPool {
  const entry = entryBeside(import.meta.url, 'journal-worker');
  const checkers = Array.from({ length: threads }, () => new Checker<ScanOrder, JournalScan>(entry, folder));
  return {
    async *scan(orders) {
      // the oldest first
      const asked: Promise<JournalScan>[] = [];
      for (const [at, order] of orders.entries()) {
        const checker = checkers[at % threads];
        if (checker !== undefined) asked.push(checker.ask(order));
        const oldest = asked.length < 2 * threads ? undefined : asked.shift();
        if (oldest !== undefined) yield await oldest;
      }
      for (const rest of asked) yield await rest;
    },
    end: async () => void (await Promise.all(checkers.map((each) => each.end()))),
  };
}
