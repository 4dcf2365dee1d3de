/**
 * New recording keys while a gateway runs. A key service that does not wrap one stops no call: recordings stay under the
 * key in use, and log and metrics say so until a new one could be made.
 */

import type { Log } from '../log.ts';
import { changeKeys, GATEWAY, type KeyChangeParts } from './key-change.ts';
import type { KeyPolicy } from './key-ring.ts';
import { KeyServiceError } from './key-service-error.ts';

/** A key that the config asks for is tried again after so long. Milliseconds. */
const AGAIN = 30_000;

/** What key turns are made with. */
export interface KeyTurnParts extends KeyChangeParts {
  /** Has every worker go over to the key that was made. */
  readonly goOver: () => void;
  readonly log: Log;
}

/** Makes new recording keys, one at a time. */
export class KeyTurns {
  readonly #parts: KeyTurnParts;
  #policy: KeyPolicy;
  #last: Promise<unknown> = Promise.resolve();
  #failures = 0;
  /** When a key was last asked for that is for others than the one in use; null while there is none to make. */
  #owed: number | null = null;

  constructor(policy: KeyPolicy, parts: KeyTurnParts) {
    this.#policy = policy;
    this.#parts = parts;
  }

  /** How many keys could not be made, and whether the one in use is still for those of an earlier config. */
  get totals(): { readonly failures: number; readonly overdue: number } {
    return { failures: this.#failures, overdue: this.#owed === null ? 0 : 1 };
  }

  /** Makes a key because `who` asked; resolves to the number of its leaf. Rejects with KeyServiceError, and changes nothing. */
  turn(who: string): Promise<number> {
    const turned = this.#last.then(() => this.#make(who));
    this.#last = turned.catch(() => {});
    return turned;
  }

  /** Makes a key for the recipients of another config, as soon as their key services wrap it. */
  async follow(policy: KeyPolicy): Promise<void> {
    this.#policy = policy;
    this.#owed = this.#parts.now();
    await this.#tryOwed();
  }

  /** Tries once more what is owed, now and then. */
  async tend(): Promise<void> {
    if (this.#owed !== null && this.#parts.now() - this.#owed >= AGAIN) await this.#tryOwed();
  }

  async #tryOwed(): Promise<void> {
    this.#owed = this.#parts.now();
    try {
      await this.turn(GATEWAY);
    } catch (error) {
      if (!(error instanceof KeyServiceError)) throw error;
    }
  }

  async #make(who: string): Promise<number> {
    const { ring, log, goOver } = this.#parts;
    try {
      const leaf = await changeKeys(this.#parts, this.#policy, who);
      goOver();
      if (this.#owed !== null && this.#failures > 0) log.info({ key: ring.kept.at(-1) }, 'the recording key was made');
      this.#owed = null;
      return leaf;
    } catch (err) {
      if (err instanceof KeyServiceError) {
        this.#failures++;
        log.error({ err }, 'no new recording key could be made; recordings stay under the one in use');
      }
      throw err;
    }
  }
}
