/** What data workers and the recorder thread tell one another, beside the shared watermarks. */

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Watermarks } from './watermarks.ts';
import type { WritingKeys } from './writing-keys.ts';

/** From the recorder thread to a worker. */
export type ToWorker =
  /** A journal is ready to be written with `keys`: made, and its name durable. `offset` is where its head ends. */
  | {
      readonly kind: 'journal';
      readonly n: number;
      readonly path: string;
      readonly offset: number;
      readonly keys: WritingKeys;
    }
  /** The worker is to leave its journal for the next one, however little stands in it, and to write that with `keys`. */
  | { readonly kind: 'rotate'; readonly keys: WritingKeys }
  /** `durable` has moved while the worker waited for it. */
  | { readonly kind: 'durable' }
  /** Evidence cannot be kept any more. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Everything the worker wrote is durable and sealed, and its journals are closed. */
  | { readonly kind: 'closed' };

/** From a worker to the recorder thread. */
export type ToRecorder =
  /** `written` has moved while the recorder slept. */
  | { readonly kind: 'written' }
  /** Journal `n` is past its half: the next one will be wanted. */
  | { readonly kind: 'half'; readonly n: number }
  /** A write failed. */
  | { readonly kind: 'failed'; readonly message: string }
  /** Nothing more will be written. */
  | { readonly kind: 'close' };

/** One end of the line between a worker and the recorder thread: structured-cloneable, `port` is to be transferred. */
export interface LinkEnd {
  readonly instance: string;
  /** Counts over all workers that this run ever started: a replaced worker has a new number. */
  readonly worker: number;
  readonly memory: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** Returns both ends of a new line. */
export function createLink(instance: string, worker: number): { readonly worker: LinkEnd; readonly recorder: LinkEnd } {
  const { memory } = new Watermarks();
  const { port1, port2 } = new MessageChannel();
  return {
    worker: { instance, worker, memory, port: port1 },
    recorder: { instance, worker, memory, port: port2 },
  };
}
