/** Rows of index.db: one per session, one per refusal of strangers. A cache: the journals and the ledger are the truth. */

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { migrate } from './migrate.ts';
import { SPAN_TABLES, type SeenRow, type SpanRow, Spans } from './spans.ts';

/** One session. Texts are empty and numbers -1 where nothing is known (yet). */
export interface SessionRow {
  readonly id: string;
  /** Opening, ms since the epoch. */
  readonly at: number;
  readonly issuer: string;
  readonly subject: string;
  readonly kind: string;
  readonly service: string;
  readonly operation: string;
  readonly model: string;
  readonly effect: string;
  readonly rule: string;
  /** Empty while the call is under way. */
  readonly reason: string;
  readonly status: number;
  readonly ended: string;
  readonly approval: string;
  /** µs from the opening to the end. */
  readonly duration: number;
  /** µs from the opening to the first answer byte. */
  readonly first: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly request_bytes: number;
  readonly answer_bytes: number;
  /** Findings in request and answer together. */
  readonly findings: number;
  /** Their kinds, each between spaces: ` email phone `; empty for none. */
  readonly kinds: string;
  /** JSON: the numbers that features.ts names. */
  readonly features: string;
  /** Numbers of the leaves `session.start` and `session.end` (or `session.recovered`) in the ledger. */
  readonly leaf: number;
  readonly end_leaf: number;
  /** Which line of journals the frames stand in. */
  readonly stream: string;
  /** Where the session's key page and each of its frames begin (src/record/places.ts). */
  readonly places: string;
}

/** Refusals of strangers, counted together. Times in ms since the epoch. */
export interface RefusalRow {
  readonly source: string;
  readonly reason: string;
  readonly count: number;
  readonly from_at: number;
  readonly to_at: number;
  readonly leaf: number;
}

/** Something of a kind was found in a session. */
export interface FindingRow {
  readonly kind: string;
  readonly id: string;
}

/** Sessions whose keys were destroyed together; the leaf lists them. */
export interface ErasedRow {
  readonly leaf: number;
  /** When, ms since the epoch. */
  readonly at: number;
  readonly rule: string;
  /** The first and the last of their ids. */
  readonly first: string;
  readonly last: string;
}

/** How far the index has come: the ledger's memo and size when its last rows were written. */
export interface ProgressRow {
  readonly one: 1;
  readonly size: number;
  readonly memo: string;
}

/** The tables of index.db. */
export interface IndexTables {
  readonly session: SessionRow;
  readonly refusal: RefusalRow;
  readonly erased: ErasedRow;
  readonly finding: FindingRow;
  readonly span: SpanRow;
  readonly seen: SeenRow;
  readonly progress: ProgressRow;
}

// biome-ignore format: a list
const SESSION_COLUMNS = [
  'id', 'at', 'issuer', 'subject', 'kind', 'service', 'operation', 'model',
  'effect', 'rule', 'reason', 'status', 'ended', 'approval', 'duration', 'first',
  'input_tokens', 'output_tokens', 'request_bytes', 'answer_bytes', 'findings', 'kinds', 'features', 'leaf', 'end_leaf',
  'stream', 'places',
] as const satisfies readonly (keyof SessionRow)[];

// Few indexes: each costs microseconds per session, and ids sort by time, so most lists read the table backwards.
const STEPS = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY, at INTEGER NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL,
     service TEXT NOT NULL, operation TEXT NOT NULL, model TEXT NOT NULL, effect TEXT NOT NULL, rule TEXT NOT NULL,
     reason TEXT NOT NULL, status INTEGER NOT NULL, ended TEXT NOT NULL, approval TEXT NOT NULL,
     duration INTEGER NOT NULL, first INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
     request_bytes INTEGER NOT NULL, answer_bytes INTEGER NOT NULL, findings INTEGER NOT NULL, features TEXT NOT NULL,
     leaf INTEGER NOT NULL, end_leaf INTEGER NOT NULL, stream TEXT NOT NULL, places TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX session_subject ON session (subject, id);
   CREATE INDEX session_reason ON session (reason, id) WHERE reason <> 'completed';
   CREATE TABLE refusal (
     source TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, from_at INTEGER NOT NULL,
     to_at INTEGER NOT NULL, leaf INTEGER PRIMARY KEY
   ) STRICT;
   CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, memo TEXT NOT NULL) STRICT`,
  `CREATE TABLE erased (
     leaf INTEGER PRIMARY KEY, at INTEGER NOT NULL, rule TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL
   ) STRICT;
   CREATE INDEX erased_last ON erased (last)`,
  // a cache: what lacks the column is made anew from the journals
  `DELETE FROM session; DELETE FROM refusal; DELETE FROM erased; DELETE FROM progress;
   ALTER TABLE session ADD COLUMN kinds TEXT NOT NULL DEFAULT '';
   CREATE INDEX session_route ON session (id, service, model);
   CREATE TABLE finding (kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
   CREATE INDEX session_approval ON session (approval, id) WHERE approval <> '';
   ${SPAN_TABLES}`,
  // what two columns restrict is found at once: in spans of a pair that is rare each session costs a dozen pages
  `CREATE INDEX session_pair ON session (service, model, id);
   CREATE INDEX session_unwanted ON session (subject, reason, id) WHERE reason <> 'completed';
   DELETE FROM seen WHERE what = 'both'`,
];

/** Writes the index, many rows to a transaction. */
export interface IndexWriter {
  /** Adds a session, or puts the row in the place of the one with its id. */
  session(row: SessionRow): void;
  /** Adds refusals, or puts the row in the place of the one with its leaf. */
  refusal(row: RefusalRow): void;
  /** Returns how far the index had come, or null when it is new. */
  progress(): { readonly size: number; readonly memo: string } | null;
  /** Returns how many rows wait to be written. */
  readonly waiting: number;
  /** Writes what waits and how far that brings the index (null: not further), in one transaction. */
  commit(reached: { readonly size: number; readonly memo: string } | null): void;
  /** Removes the rows of sessions whose keys were destroyed, and keeps which leaf says so, in one transaction. */
  erase(row: Omit<ErasedRow, 'first' | 'last'>, sids: readonly string[]): void;
  /** Removes the refusals that were over before `at` (ms since the epoch). */
  forgetRefusals(at: number): void;
}

/** Returns the writer of an index; makes its tables when they are missing. */
export function indexWriter(raw: DatabaseSync): IndexWriter {
  migrate(raw, 'index', STEPS);
  const insertSession = insert(raw, 'session', SESSION_COLUMNS);
  const insertRefusal = insert(raw, 'refusal', ['source', 'reason', 'count', 'from_at', 'to_at', 'leaf']);
  const insertProgress = insert(raw, 'progress', ['one', 'size', 'memo']);
  const removeSession = raw.prepare('DELETE FROM session WHERE id = ?');
  const insertFinding = insert(raw, 'finding', ['kind', 'id']);
  const removeFindings = raw.prepare('DELETE FROM finding WHERE kind = ? AND id = ?');
  const kindsOf = raw.prepare('SELECT kinds FROM session WHERE id = ?');
  const insertErased = insert(raw, 'erased', ['leaf', 'at', 'rule', 'first', 'last']);
  const removeRefusals = raw.prepare('DELETE FROM refusal WHERE to_at < ?');
  const spans = new Spans(raw);
  let sessions: SessionRow[] = [];
  let refusals: RefusalRow[] = [];

  const writeAll = (reached: { readonly size: number; readonly memo: string } | null): void => {
    for (const row of sessions) {
      insertSession.run(...SESSION_COLUMNS.map((column) => row[column]));
      spans.add(row);
      if (row.kinds !== '') for (const kind of row.kinds.trim().split(' ')) insertFinding.run(kind, row.id);
    }
    for (const { source, reason, count, from_at, to_at, leaf } of refusals) {
      insertRefusal.run(source, reason, count, from_at, to_at, leaf);
    }
    if (reached !== null) insertProgress.run(1, reached.size, reached.memo);
  };

  return {
    session: (row) => sessions.push(row),
    refusal: (row) => refusals.push(row),
    progress() {
      const row = raw.prepare('SELECT size, memo FROM progress').get();
      return row === undefined ? null : { size: Number(row['size']), memo: String(row['memo']) };
    },
    get waiting() {
      return sessions.length + refusals.length;
    },
    commit(reached) {
      raw.exec('BEGIN IMMEDIATE');
      try {
        writeAll(reached);
        raw.exec('COMMIT');
      } catch (error) {
        raw.exec('ROLLBACK');
        throw error;
      }
      sessions = [];
      refusals = [];
    },
    erase({ leaf, at, rule }, sids) {
      const sorted = sids.toSorted();
      raw.exec('BEGIN IMMEDIATE');
      try {
        for (const sid of sorted) {
          const kinds = String(kindsOf.get(sid)?.['kinds'] ?? '').trim();
          if (kinds !== '') for (const kind of kinds.split(' ')) removeFindings.run(kind, sid);
          removeSession.run(sid);
        }
        insertErased.run(leaf, at, rule, sorted.at(0) ?? '', sorted.at(-1) ?? '');
        raw.exec('COMMIT');
      } catch (error) {
        raw.exec('ROLLBACK');
        throw error;
      }
    },
    forgetRefusals: (at) => void removeRefusals.run(at),
  };
}

const insert = (raw: DatabaseSync, table: string, columns: readonly string[]): StatementSync =>
  raw.prepare(`INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
