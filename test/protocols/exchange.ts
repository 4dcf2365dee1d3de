/** Exchanges of the conformance tests, as data files: what an official client sent and what a server answered. */

import { globSync, readFileSync } from 'node:fs';
import type { Protocol } from '../../src/protocol/codecs.ts';

const FOLDER = new URL('exchanges/', import.meta.url);

/** Bytes in a data file: text where they are text. */
export type StoredBytes = string | { readonly base64: string };

/** What an independent reader knows of an exchange. */
export interface Expected {
  readonly operation: string;
  readonly model: string;
  readonly stream: boolean;
  /**
   * Places of the answer's texts, members and array positions joined by dots: `choices.0.delta.content`. In a stream,
   * the text of a place is what its events say there one after another. `json:` in front: JSON in a string.
   */
  readonly texts: readonly string[];
  /** A mask withholds something of this answer (tokens that repeat its text), found or not. */
  readonly withholds?: true;
}

/** One exchange. */
export interface Exchange {
  readonly protocol: Protocol;
  readonly name: string;
  /** Who sent it, and who answered. */
  readonly witness: string;
  readonly request: {
    readonly method: string;
    readonly target: string;
    readonly contentType: string;
    /** Field lines that the protocol reads: name, value, name, value. */
    readonly rawHeaders?: readonly string[];
    readonly body: StoredBytes;
  };
  readonly answer: { readonly status: number; readonly contentType: string; readonly body: StoredBytes };
  readonly expect: Expected;
}

/** Returns the bytes that a data file stores. */
export const bytesOf = (stored: StoredBytes): Buffer =>
  typeof stored === 'string' ? Buffer.from(stored) : Buffer.from(stored.base64, 'base64');

/** Returns how bytes are stored. */
export const stored = (bytes: Buffer): StoredBytes => {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) && !text.includes('\0') ? text : { base64: bytes.toString('base64') };
};

/** Where an exchange is kept. */
export const fileOf = ({ protocol, name }: Pick<Exchange, 'protocol' | 'name'>): URL =>
  new URL(`${protocol}/${name}.json`, FOLDER);

/** Returns every exchange that is kept. */
export const exchanges = (): readonly Exchange[] =>
  globSync('*/*.json', { cwd: FOLDER })
    .toSorted()
    .map((file): Exchange => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')));
