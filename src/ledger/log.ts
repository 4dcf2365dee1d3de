/** The ledger as its one writer uses it: append, sync, checkpoint. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../reasons.ts';
import { type Checkpoint, checkpointText } from './checkpoint.ts';
import { makeFolderDurably } from './durable.ts';
import { refuseFork } from './fork.ts';
import { LogFolder } from './log-folder.ts';
import { Malformed } from './malformed.ts';
import { signNote } from './note.ts';
import type { NoteSigner, NoteVerifier } from './note-key.ts';
import { type Published, recover, type Recovered } from './recover.ts';
import { proveConsistency } from './prove.ts';
import { tileHashes } from './tile-hashes.ts';
import { outgrown, type TreeFiles } from './tree-files.ts';
import { Wal } from './wal.ts';
import { Cosigners, type WitnessAt } from './witness-client.ts';

/** How to open a log. */
export interface LogOptions {
  /** The data folder: the public log is in `ledger/` below it, the write-ahead log in `ledger-wal/`. */
  readonly dir: string;
  /** Signs the checkpoints. The name of its key is the origin of the log. */
  readonly signer: NoteSigner;
  /**
   * The key that is to come after it, where there is one. When the log was handed over to it, or the leaf that does so
   * was the last that an earlier run could write, the log goes on under it.
   */
  readonly successor?: NoteSigner | null;
  /** Who is asked to cosign each checkpoint before it is published; a witness that does not answer is left out. */
  readonly witnesses?: readonly WitnessAt[];
  /** Hears of witnesses that do not answer. */
  readonly absent?: (name: string, why: string) => void;
  /** When to begin a new segment of the write-ahead log, in bytes. */
  readonly segmentBytes?: number;
}

/** An open log. After the first error of the disk every method throws Failure `evidence-unavailable`, for good. */
export interface Log {
  /** Leaves so far, those included that are not durable yet. */
  readonly size: number;
  /** What the last batch said; null in a new log. */
  readonly memo: Uint8Array | null;
  /** The latest published checkpoint. */
  readonly head: Checkpoint;
  /** The key that signs the next checkpoint. */
  readonly key: NoteVerifier;
  /**
   * Adds a batch and returns the index of its first leaf. Leaves and memo will be there together or not at all; no
   * leaves, only a memo, is a batch too. Written when it returns, durable after the next `sync`. The bytes may change
   * afterwards. Throws Malformed for an empty leaf or one beyond 65,535 bytes, Failure `overloaded` when 64 MiB wait
   * for a checkpoint; nothing is written then.
   */
  append(leaves: readonly Uint8Array[], memo: Uint8Array): number;
  /** Resolves when everything appended before the call is on disk. */
  sync(): Promise<void>;
  /**
   * Resolves with a checkpoint that covers everything appended before the call, when it is published. Without new
   * leaves it is the one that was. Calls do not overlap: a second one waits.
   */
  checkpoint(): Promise<Checkpoint>;
  /**
   * Lets another key sign from here on. The leaf in which the one in force hands over to it was appended; resolves with
   * a checkpoint over it, which both have signed.
   */
  succeed(next: NoteSigner): Promise<Checkpoint>;
  /** Has others cosign from the next checkpoint on: one that has seen more leaves or others stops the log then. */
  askWitnesses(witnesses: readonly WitnessAt[]): void;
  /** Closes the files after what is under way; takes no checkpoint. */
  close(): Promise<void>;
}

const SEGMENT_BYTES = 16 * 1024 ** 2;
// Leaves are kept in memory until their tiles are stored.
const MAX_HELD = 64 * 1024 ** 2;

class OpenLog implements Log {
  #signers: readonly NoteSigner[];
  readonly #folder: LogFolder;
  readonly #wal: Wal;
  readonly #cosigners: Cosigners;
  readonly #tree: TreeFiles;
  readonly #segmentBytes: number;
  #memo: Uint8Array | null;
  #head: Published;
  #publishing: Promise<unknown> = Promise.resolve();
  #failure: Failure | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    options: LogOptions,
    signer: NoteSigner,
    folder: LogFolder,
    wal: Wal,
    cosigners: Cosigners,
    recovered: Recovered,
    head: Published,
  ) {
    this.#cosigners = cosigners;
    this.#signers = [signer];
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#folder = folder;
    this.#wal = wal;
    this.#tree = recovered.tree;
    this.#memo = recovered.memo;
    this.#head = head;
  }

  get size(): number {
    return this.#tree.size;
  }

  get memo(): Uint8Array | null {
    return this.#memo;
  }

  get head(): Checkpoint {
    return this.#head.checkpoint;
  }

  get key(): NoteVerifier {
    const signer = this.#signers.at(-1);
    if (signer === undefined) throw new RangeError('a log without a key');
    return signer.verifier;
  }

  append(leaves: readonly Uint8Array[], memo: Uint8Array): number {
    this.#refuseAfterFailure();
    if (this.#tree.held > MAX_HELD) throw new Failure('overloaded', 'too many leaves wait for a checkpoint');
    const first = this.size;
    // The caller may reuse its buffers; ours are kept until their tiles are stored.
    const own = leaves.map((leaf) => leaf.slice());
    try {
      this.#wal.append({ first, leaves: own, memo });
    } catch (error) {
      throw error instanceof Malformed ? error : this.#fail(error);
    }
    for (const leaf of own) this.#tree.push(leaf);
    this.#memo = memo.slice();
    return first;
  }

  async sync(): Promise<void> {
    this.#refuseAfterFailure();
    await this.#wal.sync().catch((error: unknown) => {
      throw this.#fail(error);
    });
    this.#refuseAfterFailure();
  }

  checkpoint(): Promise<Checkpoint> {
    const next = this.#publishing.then(() => this.#checkpoint());
    this.#publishing = next.catch(() => {});
    return next;
  }

  async succeed(next: NoteSigner): Promise<Checkpoint> {
    this.#signers = [...this.#signers, next];
    const checkpoint = await this.checkpoint();
    this.#signers = [next];
    return checkpoint;
  }

  askWitnesses(witnesses: readonly WitnessAt[]): void {
    this.#cosigners.ask(witnesses);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const hadFailed = this.#failure !== null;
    this.#failure ??= new Failure('evidence-unavailable', 'the ledger is closed');
    await this.#publishing;
    try {
      await this.#wal.close();
    } catch (error) {
      // What ended the log was told when it happened.
      if (!hadFailed) throw error;
    }
  }

  async #checkpoint(): Promise<Checkpoint> {
    this.#refuseAfterFailure();
    if (this.size === this.head.size) return this.head;
    try {
      return await this.#extend();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Publishes a checkpoint over all leaves of this moment. Leaves that come meanwhile are for the next one. */
  async #extend(): Promise<Checkpoint> {
    const before = this.#head;
    const checkpoint = { origin: before.checkpoint.origin, size: this.size, root: this.#tree.root() };
    const files = this.#tree.take();
    await this.#wal.sync();
    await this.#folder.store(files);
    await refuseFork(this.#folder, before, checkpoint);
    this.#head = await publishCheckpoint(this.#folder, this.#signers, this.#cosigners, checkpoint);
    await this.#folder.remove(outgrown(before.checkpoint.size, checkpoint.size));
    await this.#wal.forget(checkpoint.size);
    if (this.#wal.length > this.#segmentBytes) {
      this.#wal.rotate({ size: this.size, nodes: this.#tree.nodes, memo: this.#memo });
    }
    return checkpoint;
  }

  #refuseAfterFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Ends the log and returns what to throw. A failed sync is never tried again: the kernel may have dropped the data. */
  #fail(cause: unknown): Failure {
    this.#failure ??= stopped(cause);
    return this.#failure;
  }
}

const stopped = (cause: unknown): Failure => {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure('evidence-unavailable', `the ledger has stopped: ${message}`, { cause });
};

/** Signs `checkpoint`, adds it to the history, then makes it the one that readers see. */
const publishCheckpoint = async (
  folder: LogFolder,
  signers: readonly NoteSigner[],
  cosigners: Cosigners,
  checkpoint: Checkpoint,
): Promise<Published> => {
  const signed = signNote(checkpointText(checkpoint), signers);
  const note = signed + (await cosigners.cosign(checkpoint, signed));
  await folder.remember(note);
  await folder.publish(note);
  return { checkpoint, note: new TextEncoder().encode(note) };
};

/** Begins a log: a checkpoint over nothing is its first. */
const begin = async (
  folder: LogFolder,
  signer: NoteSigner,
  cosigners: Cosigners,
  { tree }: Recovered,
): Promise<Published> => {
  await folder.begin();
  return publishCheckpoint(folder, [signer], cosigners, { origin: signer.verifier.name, size: 0, root: tree.root() });
};

const cosignersOf = ({ witnesses = [], absent = () => {} }: LogOptions, folder: LogFolder): Cosigners =>
  new Cosigners({
    witnesses,
    absent,
    prove: (size1, size2) => proveConsistency(size1, size2, tileHashes(folder.reader, size2)),
  });

/** Takes the checkpoint that an earlier run died before: nothing else may be signed over the leaf that hands over. */
const finishHandover = async (log: Log, next: NoteSigner): Promise<void> => {
  try {
    await log.succeed(next);
  } catch (error) {
    await log.close();
    throw error;
  }
};

/**
 * Returns the log in a data folder, a new one where there is none. One process at a time may open it: the caller holds
 * the lock of the folder. Throws Failure `evidence-unavailable` when the files do not fit one another: a log that may
 * have been changed is never signed again.
 */
export const openLog = async (options: LogOptions): Promise<Log> => {
  const root = join(options.dir, 'ledger');
  const walFolder = join(options.dir, 'ledger-wal');
  const aside = join(walFolder, 'aside');
  try {
    await makeFolderDurably(root);
    await makeFolderDurably(walFolder);
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside);
    const folder = new LogFolder(root, aside);
    const { signer, successor = null } = options;
    const keys = { key: signer.verifier, successor: successor?.verifier ?? null };
    const recovered = await recover(root, walFolder, folder, keys);
    const isNew = recovered.segments.length === 0;
    const wal = isNew ? Wal.create(walFolder, aside) : Wal.resume(walFolder, aside, recovered.segments);
    const cosigners = cosignersOf(options, folder);
    const head = recovered.head ?? (await begin(folder, options.signer, cosigners, recovered));
    // asked before anything is added: a store that was rolled back must not go on
    if (recovered.head !== null) await cosigners.cosign(head.checkpoint, new TextDecoder().decode(head.note));
    const inForce = recovered.key.vkey === keys.successor?.vkey ? successor : signer;
    const log = new OpenLog(options, inForce ?? signer, folder, wal, cosigners, recovered, head);
    if (recovered.handover !== null && successor !== null) await finishHandover(log, successor);
    return log;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Failure('evidence-unavailable', `the ledger in ${options.dir} cannot be opened: ${message}`, {
      cause: error,
    });
  }
};
