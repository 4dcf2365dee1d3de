/** What the official clients do in the tests: each is run against a server directly, and through the gateway. */

import type { Protocol } from '../../../src/protocol/codecs.ts';
import type { Expected } from '../exchange.ts';

/** Where a client finds its server. */
export interface Endpoint {
  /** The origin, with the service's prefix when it is the gateway. */
  readonly url: string;
  readonly token: string;
}

/** One thing that a client does. */
export interface Scenario {
  readonly protocol: Protocol;
  /** The client as npm names it. */
  readonly client: string;
  readonly name: string;
  /** Who answers: `aimock`, or what a server was written after. */
  readonly server: string;
  readonly expect: Expected;
  /** Resolves to what the client's user sees. */
  readonly run: (endpoint: Endpoint) => Promise<unknown>;
}

/** What users ask; the servers of the tests know these words. */
export const ASK = 'Who can help me?';
export const ASK_TOOL = 'Send the mail.';

/** Returns a message of the user. */
export const user = (content: string) => ({ role: 'user', content }) as const;

/** Resolves to what there is to see of each part of a stream. */
export const collect = async <T, R>(stream: AsyncIterable<T> | Iterable<T>, seen: (part: T) => R): Promise<R[]> => {
  const parts: R[] = [];
  for await (const part of stream) parts.push(seen(part));
  return parts;
};

/**
 * Returns how scenarios of a client are written: `facts` holds the operation and the model, with `stream` behind them
 * where the answer is one; `texts` are places as `Expected` has them.
 */
export const scenariosOf =
  (protocol: Protocol, client: string, server = 'aimock') =>
  (name: string, facts: string, texts: readonly string[], run: Scenario['run']): Scenario => {
    const [operation = '', model = '', stream] = facts.split(' ');
    return { protocol, client, name, server, expect: { operation, model, stream: stream === 'stream', texts }, run };
  };
