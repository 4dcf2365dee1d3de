/** Has checkpoints time-stamped now and then, and keeps the tokens as leaves. */

import type { Checkpoint } from '../ledger/checkpoint.ts';
import type { LeafBody } from '../ledger/leaf.ts';
import { askForTimestamp, type AuthorityAt } from '../ledger/timestamp-client.ts';
import type { Log } from '../log.ts';
import { noteStamp } from './prove-session.ts';

/** What stamping works with. */
export interface StamperParts {
  /** The data folder. */
  readonly folder: string;
  readonly at: AuthorityAt;
  /** How often, in ms. */
  readonly every: number;
  /** `continue`: what failed is logged and tried again; `stop`: no call passes without time-stamps. */
  readonly onError: 'continue' | 'stop';
  /** The published checkpoint. */
  readonly head: () => Checkpoint;
  readonly append: (body: LeafBody) => Promise<number>;
  /** Ends the recording for good. */
  readonly fail: (cause: Error) => void;
  readonly log: Log;
}

/** Time-stamps under way. */
export class Stamper {
  readonly #parts: StamperParts;
  #timer: NodeJS.Timeout | null = null;
  #stamping: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(parts: StamperParts) {
    this.#parts = parts;
  }

  /** Stamps at once, and then now and then. */
  start(): void {
    this.#stamping = this.#stampAndWait();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#stamping;
  }

  /** Resolves when the published checkpoint is stamped and a leaf says so. Rejects when it cannot be. */
  async stamp(): Promise<void> {
    const { at, head, append, folder } = this.#parts;
    const checkpoint = head();
    if (checkpoint.size === 0) return;
    const token = await askForTimestamp(at, checkpoint);
    const { size, root } = checkpoint;
    const leaf = await append({ type: 'checkpoint.stamped', size, root: root.toBase64(), token: token.toBase64() });
    noteStamp(folder, { leaf, size });
  }

  async #stampAndWait(): Promise<void> {
    const { every, onError, fail, log } = this.#parts;
    try {
      await this.stamp();
    } catch (cause) {
      if (this.#isStopping) return;
      const error = cause instanceof Error ? cause : new Error(String(cause));
      log.error({ err: error, on_error: onError }, 'a checkpoint cannot be time-stamped');
      if (onError === 'stop') return fail(new Error(`no time-stamps: ${error.message}`, { cause }));
    }
    if (this.#isStopping) return;
    this.#timer = setTimeout(() => {
      this.#stamping = this.#stampAndWait();
    }, every).unref();
  }
}
