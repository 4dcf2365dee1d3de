/** Bodies under inspection, with a scanner that finds e-mail addresses. */

import { expect } from 'vitest';
import type { Facts } from '../../src/call.ts';
import { inspect, type Inspected } from '../../src/inspect/inspect.ts';
import { codecs, type Protocol } from '../../src/protocol/codecs.ts';
import { Failure } from '../../src/reasons.ts';
import { scannerOf } from './scanner-of.ts';

const emails = scannerOf((text) =>
  [...text.matchAll(/\w+@\w+\.\w+/g)].map((match) => ({
    kind: 'email',
    start: match.index,
    end: match.index + match[0].length,
    score: 1,
  })),
);

/** What differs from an OpenAI chat. */
export interface InspectCase {
  readonly protocol?: Protocol;
  readonly path?: string;
  readonly method?: string;
  readonly contentType?: string;
  readonly rawHeaders?: readonly string[];
  readonly assume?: number;
  readonly opaque?: boolean;
}

/** Returns what inspection makes of a body. */
export const look = (body: unknown, options: InspectCase = {}): Inspected => {
  const codec = codecs[options.protocol ?? 'openai'];
  const operation = codec.operation(options.method ?? 'POST', options.path ?? '/v1/chat/completions');
  if (operation === null) throw new Error('no such operation');
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return inspect(
    {
      codec,
      operation,
      body: {
        bytes,
        contentType: options.contentType ?? 'application/json',
        rawHeaders: options.rawHeaders ?? [],
      },
      assumeMaxTokens: options.assume ?? null,
      opaque: options.opaque ?? false,
    },
    emails,
  );
};

/** Returns the facts of a body. */
export const factsOf = (body: unknown, options: InspectCase = {}): Facts => look(body, options).facts;

/** Returns true when a body is refused as unreadable. */
export const refused = (body: unknown, options: InspectCase = {}): boolean => {
  try {
    look(body, options);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    expect(error).toHaveProperty('reason', 'body-unreadable');
    return true;
  }
};

/** Returns the texts with their roles. */
export const said = (facts: Facts): string[] => facts.texts.map(({ role, text }) => `${role}: ${text}`);
