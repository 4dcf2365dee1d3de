/** Who is measured: each is a process (or a few) on the contender's core, in front of the same model server. */

import type { LoadOrder } from './load.ts';
import type { CpuTime } from './usage.ts';

/** A started contender. */
export interface Contender {
  readonly name: string;
  readonly title: string;
  /** The process whose tree is charged. */
  readonly pid: number;
  /** Where and how calls are sent to it. */
  readonly call: Pick<LoadOrder, 'port' | 'path' | 'fields' | 'expect'>;
  /** Returns CPU time by part rather than by thread name; for contenders with parts. */
  parts?(times: CpuTime): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

/** What every contender is started with. */
export interface Surroundings {
  /** Port of the model server on 127.0.0.1. */
  readonly upstream: number;
  /** Where what was installed once is kept. */
  readonly cache: string;
  /** A folder of its own on a real file system; exists. */
  readonly folder: string;
  readonly issuer: { readonly url: string; readonly audience: string };
  readonly say: (line: string) => void;
}

/** Starts a contender, or says why it cannot be measured here. */
export type Start = (around: Surroundings) => Promise<Contender | { readonly skipped: string }>;

/** The path of the calls at the model server itself. */
export const CHAT = '/v1/chat/completions';
