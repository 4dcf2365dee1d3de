/** Asks another thread for something and waits for its answer, over one MessagePort. */

import type { MessagePort } from 'node:worker_threads';
import { Failure, isReason } from './reasons.ts';

/** What one thread serves to another: functions of one cloneable argument that resolve to cloneable values. */
export type Verbs<S> = { readonly [K in keyof S]: (argument: never) => unknown };

/** The other side's view of what is served. */
export type Remote<S extends Verbs<S>> = {
  readonly [K in keyof S]: (argument: Parameters<S[K]>[0]) => Promise<Awaited<ReturnType<S[K]>>>;
};

interface Ask {
  readonly ask: number;
  readonly verb: string;
  readonly argument: unknown;
}

interface Reply {
  readonly reply: number;
  readonly value?: unknown;
  readonly error?: { readonly reason: string; readonly message: string; readonly detail: string };
}

/** Serves the named ones of `verbs` on a port until it closes. A Failure crosses with its reason; any other error as `internal`. */
export function serve<S extends Verbs<S>>(port: MessagePort, verbs: S, names: readonly (keyof S & string)[]): void {
  const byName = new Map<string, (argument: never) => unknown>(
    names.map((name) => [name, (argument: never): unknown => verbs[name](argument)]),
  );
  port.on('message', (message: Ask) => {
    if (typeof message?.ask !== 'number') return;
    const send = (reply: Omit<Reply, 'reply'>): void => port.postMessage({ reply: message.ask, ...reply });
    Promise.resolve()
      .then(() => {
        const verb = byName.get(message.verb);
        if (verb === undefined) throw new Failure('internal', `no verb ${message.verb} is served`);
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the asking side is typed by Remote<S>: the argument is the one that the verb takes
        return verb(message.argument as never);
      })
      .then((value) => send({ value }))
      .catch((error: unknown) => send({ error: carried(error) }));
  });
}

function carried(error: unknown): NonNullable<Reply['error']> {
  if (error instanceof Failure) return { reason: error.reason, message: error.message, detail: error.detail };
  return { reason: 'internal', message: error instanceof Error ? error.message : String(error), detail: '' };
}

/** Returns the remote side of a port on which `serve` runs. Pending questions fail when the port closes. */
export function ask<S extends Verbs<S>>(port: MessagePort, verbs: readonly (keyof S & string)[]): Remote<S> {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Failure) => void }>();
  let last = 0;
  port.on('message', (message: Reply) => {
    if (typeof message?.reply !== 'number') return;
    const waiting = pending.get(message.reply);
    pending.delete(message.reply);
    if (message.error === undefined) return waiting?.resolve(message.value);
    const { reason, message: text, detail } = message.error;
    waiting?.reject(new Failure(isReason(reason) ? reason : 'internal', text, { detail }));
  });
  port.on('close', () => {
    for (const { reject } of pending.values()) reject(new Failure('internal', 'the other thread is gone'));
    pending.clear();
  });
  const question = (verb: string) => (argument: unknown) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      pending.set(id, { resolve, reject });
      port.postMessage({ ask: id, verb, argument });
    });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names are the keys of S, and each question resolves to what that verb returns
  return Object.fromEntries(verbs.map((verb) => [verb, question(verb)])) as Remote<S>;
}
