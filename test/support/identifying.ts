/** An identifier over issuers that a test controls. */

import type { Clock } from '../../src/clock.ts';
import { type Config, configSchema } from '../../src/config.ts';
import { createIdentifier, type Identified, type Identifier } from '../../src/identify/identify.ts';
import type { Later } from '../../src/identify/issuer-keys.ts';
import type { Log } from '../../src/log.ts';

/** Returns the `identity` section of a config for these entries, defaults filled in. */
export const identityConfig = (
  issuers: readonly Readonly<Record<string, unknown>>[],
  rest: Readonly<Record<string, unknown>> = {},
): Config['identity'] => configSchema.shape.identity.parse({ issuers, ...rest });

/** A log that keeps its lines. */
export interface KeptLog extends Log {
  readonly lines: readonly string[];
}

/** Returns a log that keeps its lines as text: level, message, facts. */
export function keptLog(): KeptLog {
  const lines: string[] = [];
  const keep = (level: string) => (facts: object, message: string) =>
    void lines.push(
      `${level} ${message} ${JSON.stringify(facts, (_, value: unknown) => (value instanceof Error ? value.message : value))}`,
    );
  const log: KeptLog = {
    lines,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: () => log,
    flush: () => {},
  };
  return log;
}

/** An identifier that is asked with bare tokens. */
export interface Asking {
  readonly identifier: Identifier;
  readonly log: KeptLog;
  /** Returns what is said of a request with this token in Authorization. */
  ask(token: string): Identified | Promise<Identified>;
  /** Returns `caller SUBJECT`, or the reason of the refusal. */
  outcome(token: string): Promise<string>;
}

/** Returns an identifier at `http://127.0.0.1:8080` for this config. */
export function identifying(
  identity: Config['identity'],
  time: { readonly clock: Clock; readonly later?: Later },
  epoch?: () => number,
): Asking {
  const log = keptLog();
  const identifier = createIdentifier({
    identity,
    publicUrl: 'http://127.0.0.1:8080',
    log,
    ...time,
    ...(epoch === undefined ? {} : { epoch }),
  });
  const ask = (token: string) => identifier.identify({ rawHeaders: ['Authorization', `Bearer ${token}`], query: '' });
  return {
    identifier,
    log,
    ask,
    async outcome(token) {
      const said = await ask(token);
      return said.kind === 'caller' ? `caller ${said.caller.subject}` : said.reason;
    },
  };
}
