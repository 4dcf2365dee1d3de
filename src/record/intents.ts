/**
 * What is about to happen to files of evidence, written down first, each in a file of its own: when the gateway dies in
 * between, its next start finds it.
 */

import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { syncFolder, writeDurably } from '../ledger/durable.ts';

const ASIDE = 'aside';

/** The intents of one kind, in a folder of their own. */
export class Intents<T> {
  readonly #kind: string;
  readonly #schema: z.ZodType<T>;
  readonly #nameOf: (intent: T) => string;

  /** `kind` names the folder, `nameOf` gives the file of an intent. */
  constructor(kind: string, schema: z.ZodType<T>, nameOf: (intent: T) => string) {
    this.#kind = kind;
    this.#schema = schema;
    this.#nameOf = nameOf;
  }

  /** Writes one down; durable when it resolves. `folder` is the data folder, here and below. */
  async write(folder: string, intent: T): Promise<void> {
    const root = join(folder, this.#kind);
    const aside = join(root, ASIDE);
    await mkdir(aside, { recursive: true, mode: 0o700 });
    await writeDurably(root, aside, [{ path: this.#nameOf(intent), bytes: JSON.stringify(intent) }]);
    await syncFolder(folder);
  }

  /** Resolves to those that are there. Rejects when one of them is none. */
  async list(folder: string): Promise<readonly T[]> {
    const names = await this.#names(folder);
    return Promise.all(
      names.map(async (name) => this.#schema.parse(JSON.parse(await readFile(join(folder, this.#kind, name), 'utf8')))),
    );
  }

  /** Resolves to whether there are any. */
  async any(folder: string): Promise<boolean> {
    return (await this.#names(folder)).length > 0;
  }

  /** Forgets one that is done, or of which nothing came. */
  forget(folder: string, intent: T): Promise<void> {
    return rm(join(folder, this.#kind, this.#nameOf(intent)), { force: true });
  }

  async #names(folder: string): Promise<readonly string[]> {
    const names = await readdir(join(folder, this.#kind)).catch(() => []);
    return names.filter((name) => name !== ASIDE);
  }
}
