/** Names and heads of journal files: who wrote them, and the how-many-th they are. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One writer's line of journals: files of one worker of one run of the gateway. */
export interface StreamName {
  /** Names one run of a gateway: 16 characters of the ids' alphabet. */
  readonly instance: string;
  readonly worker: number;
}

/** One journal file. */
export interface JournalName extends StreamName {
  /** Counts from 0 in its stream. */
  readonly n: number;
}

/** A journal is left for the next one before it grows beyond this many bytes. */
export const JOURNAL_BYTES = 64 * 1024 ** 2;

const MAGIC = 'SALLYPORT-JOURNAL 1\n';
const NAME = /^([0-9a-hjkmnp-tv-z]{16})-w(\d{1,5})-(\d{1,7})\.spj$/;

/** Returns the folder of the journals in a data folder. */
export const journalFolder = (folder: string): string => join(folder, 'journal');

/** Returns the file name of a journal. */
export const journalFile = ({ instance, worker, n }: JournalName): string => `${instance}-w${worker}-${n}.spj`;

/** Returns what a file name says, or null when it is not the name of a journal in the form that `journalFile` writes. */
export function readJournalFile(file: string): JournalName | null {
  const [, instance = '', worker, n] = NAME.exec(file) ?? [];
  const name = { instance, worker: Number(worker), n: Number(n) };
  return instance !== '' && journalFile(name) === file ? name : null;
}

/** Returns one word for a stream. */
export const streamKey = ({ instance, worker }: StreamName): string => `${instance}-w${worker}`;

/** Returns the journals of a data folder in the order of streams and numbers; none when the folder is missing. */
export function listJournals(folder: string): readonly JournalName[] {
  return listFiles(journalFolder(folder))
    .map(readJournalFile)
    .filter((name) => name !== null)
    .sort((a, b) => a.instance.localeCompare(b.instance, 'en') || a.worker - b.worker || a.n - b.n);
}

/** Returns what in the folder of journals is no journal. */
export const listStrayFiles = (folder: string): readonly string[] =>
  listFiles(journalFolder(folder)).filter((file) => readJournalFile(file) === null);

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Returns the first bytes of a journal: a magic line and a line of JSON. `created` is in ms since the epoch. */
export const journalHead = (name: JournalName, created: number): Buffer =>
  Buffer.from(`${MAGIC}${JSON.stringify({ instance: name.instance, worker: name.worker, n: name.n, created })}\n`);

/** The most bytes that a head takes. */
export const MAX_HEAD = 512;

/** Returns how many bytes the head of a journal takes, or null when `bytes` do not begin with the head of this one. */
export function readJournalHead(bytes: Buffer, name: JournalName): number | null {
  if (!bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC))) return null;
  const end = bytes.subarray(0, MAX_HEAD).indexOf('\n', MAGIC.length);
  if (end === -1) return null;
  const created = /"created":(\d+)\}$/.exec(bytes.toString('latin1', MAGIC.length, end))?.[1];
  if (created === undefined) return null;
  // a head that does not write back to itself was not written here
  const head = journalHead(name, Number(created));
  return bytes.subarray(0, end + 1).equals(head) ? end + 1 : null;
}
