/** What a verification found. */

/** What kind of problem it is. */
export type ProblemKind =
  /** The latest checkpoint is missing, malformed, or not signed by the key. */
  | 'checkpoint'
  /** The list of all checkpoints is cut off, out of order, or does not end with the latest. */
  | 'history'
  /** The leaves lead to another root than a checkpoint says. */
  | 'root'
  /** A tile of hashes is missing or holds other hashes. */
  | 'tile'
  /** A bundle of leaves is missing or cannot be read. */
  | 'bundle'
  /** A leaf is not the one that its tile says, or not in the form of a leaf. */
  | 'leaf'
  /** A file that has no business in a log. */
  | 'file'
  /** The leaves of one run of the gateway are not counted without a gap. */
  | 'sequence'
  /** A session begins twice, or ends without having begun. */
  | 'session'
  /** A leaf is dated when it cannot have been written. */
  | 'clock'
  /** A time-stamp that the authority has not made, or not of this log. */
  | 'timestamp'
  /** The log does not extend a checkpoint that was kept elsewhere: it was rolled back, cut off or forked. */
  | 'rollback';

/** Something that must not be. */
export interface Problem {
  readonly kind: ProblemKind;
  /** What it is about: a path, `leaf 12`, a session. */
  readonly where: string;
  readonly message: string;
}

/** What kind of finding it is. */
export type FindingKind =
  /** A session without an end: it is under way, or the gateway died with it and has not been started since. */
  | 'open-session'
  /** The clock of the gateway was set back. */
  | 'clock'
  /** A leaf of a type that this version does not know. */
  | 'unknown-leaf'
  /** Files or checkpoints beyond the checkpoint that was verified: the log is growing. */
  | 'growing';

/** Something that is allowed, and that a reader should know. */
export interface Finding {
  readonly kind: FindingKind;
  readonly where: string;
  readonly message: string;
}

/** Whether the log is known to be whole up to now. */
export type Freshness =
  /** No checkpoint kept elsewhere was given: nothing tells a rolled-back log from a whole one. */
  | { readonly kind: 'not-proven' }
  /** The log extends the given checkpoint of `size` leaves: none of these was taken away. */
  | { readonly kind: 'extends'; readonly size: number };

/** The latest checkpoint that a witness has cosigned. */
export interface Witnessed {
  readonly name: string;
  /** Leaves that it is over. */
  readonly size: number;
  /** When the witness saw it, in ms since the epoch. */
  readonly at: number;
}

/** The latest checkpoint that an authority has time-stamped. */
export interface Stamped {
  /** The authority: the beginning of its certificate's SHA-256. */
  readonly by: string;
  readonly size: number;
  /** Ms since the epoch. */
  readonly at: number;
}

/** Leaves that an earlier run of the same verifier has read, and this one has not. */
export interface ReadEarlier {
  /** They are behind those of the run before, up to this many from the first of the log. */
  readonly leaves: number;
  /** When that run began and when it got there, in ms since the epoch. */
  readonly began: number;
  readonly ended: number;
  /** What it was given to read. */
  readonly where: string;
}

/** The result of a verification. */
export interface LogReport {
  /** True when there is no problem in what was read. */
  readonly ok: boolean;
  /**
   * The first leaf that was read: 0 unless the verification went on from a bookmark. Of the leaves before it this run
   * knows that the log still signs for the same ones, not that their files still hold them.
   */
  readonly readFrom: number;
  /** Who read the leaves before it, and when. */
  readonly readEarlier: readonly ReadEarlier[];
  readonly origin: string;
  /** Leaves under the checkpoint. */
  readonly size: number;
  /** Root of the checkpoint in base64; empty when there is none that the key has signed. */
  readonly root: string;
  /** Checkpoints of the history that were verified against the leaves, now or by the earlier runs. */
  readonly checkpoints: number;
  readonly freshness: Freshness;
  /** For each witness that was given and has cosigned anything. */
  readonly witnessed: readonly Witnessed[];
  /** For each authority that was given and has stamped anything. */
  readonly stamped: readonly Stamped[];
  /** The first hundred problems; `problemCount` counts all. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** The first hundred findings; `findingCount` counts all. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

const KEPT = 100;

/** Collects what is found, in memory that does not grow with it. */
export class Found {
  readonly #tell: (problem: Problem) => void;
  readonly problems: Problem[] = [];
  readonly findings: Finding[] = [];
  problemCount = 0;
  findingCount = 0;

  /** `tell` hears of every problem as it is found, those beyond the hundredth too. */
  constructor(tell: (problem: Problem) => void = () => {}) {
    this.#tell = tell;
  }

  /** Begins with what earlier runs have found in the part that is not read again. */
  goOn(findings: readonly Finding[], findingCount: number): void {
    this.findings.push(...findings);
    this.findingCount = findingCount;
  }

  problem(kind: ProblemKind, where: string, message: string): void {
    const problem = { kind, where, message };
    this.problemCount += 1;
    if (this.problems.length < KEPT) this.problems.push(problem);
    this.#tell(problem);
  }

  finding(kind: FindingKind, where: string, message: string): void {
    this.findingCount += 1;
    if (this.findings.length < KEPT) this.findings.push({ kind, where, message });
  }
}
