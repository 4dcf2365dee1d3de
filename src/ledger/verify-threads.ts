/** Threads that answer one order after the other, each in the order in which it was asked. */

import { Worker } from 'node:worker_threads';

/** Returns the address of a worker's entry that stands beside a module, in sources and in the published package. */
export const entryBeside = (module: string, name: string): URL =>
  new URL(`./${name}.${module.endsWith('.ts') ? 'ts' : 'js'}`, module);

/** One worker, with what it was asked and has not answered. It posts one answer for each order. */
export class Checker<Order, Answer> {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<Answer>[] = [];

  constructor(entry: URL, data: string) {
    this.#worker = new Worker(entry, { workerData: data });
    this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  ask(order: Order): Promise<Answer> {
    const waiting = Promise.withResolvers<Answer>();
    // heard of by who asks for the answer
    waiting.promise.catch(() => {});
    this.#waiting.push(waiting);
    this.#worker.postMessage(order);
    return waiting.promise;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
