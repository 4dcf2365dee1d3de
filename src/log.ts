/** The log of the house: JSON lines on stderr, with secrets taken out; a terminal gets lines for people. */

import { isatty } from 'node:tty';
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { redactFacts, redactText } from './redact.ts';
import { safeJson, safeText } from './safe-text.ts';

/** Facts of one line. Names are snake_case; an error goes under `err`. */
export type LogFacts = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What every part logs with. The message is a fixed sentence without data; what varies stands in the facts. */
export interface Log {
  debug(facts: LogFacts, message: string): void;
  info(facts: LogFacts, message: string): void;
  warn(facts: LogFacts, message: string): void;
  error(facts: LogFacts, message: string): void;
  /** Returns a log whose every line carries `facts` too. */
  child(facts: LogFacts): Log;
  /** Writes out what is still in memory; call it before a thread ends. */
  flush(): void;
}

interface LogOptions {
  readonly level: LogLevel;
  /** Which thread speaks: `main`, `recorder`, `worker-1`. */
  readonly thread: string;
  /** Where whole lines go, `\n` included; stderr when absent. */
  readonly write?: (line: string) => void;
}

/** The most that waits for a slow reader of stderr; beyond it lines are dropped rather than calls held up. */
const MAX_WAITING = 4 * 1024 ** 2;

const STDERR = 2;

const COLOURS: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const shown = (value: unknown): string => (typeof value === 'string' ? safeText(value) : safeJson(value));

/** Returns a JSON line of the log as a line for people: time, level, message, facts. */
export const prettyLine = (line: string): string => {
  const entry: unknown = JSON.parse(line);
  if (!isRecord(entry)) return line;
  const { time, level, msg, thread, ...facts } = entry;
  const name = String(level);
  const rest = Object.entries(facts).map(([key, value]) => ` \u001B[2m${safeText(key)}=\u001B[0m${shown(value)}`);
  const colour = `\u001B[${COLOURS[name] ?? 0}m${name.toUpperCase().padEnd(5)}\u001B[0m`;
  return `${String(time).slice(11, 23)} ${colour} ${safeText(String(msg))}${rest.join('')} \u001B[2m${String(thread)}\u001B[0m\n`;
};

interface Out {
  readonly stream: DestinationStream;
  flush(): void;
}

const stderr = (): Out => {
  // Not synchronous: a reader of stderr that stands still must not stop a data worker.
  const file = destination({ fd: STDERR, sync: false, maxLength: MAX_WAITING });
  // Asked of the file, not of process.stderr, which in a worker thread is only a pipe to the main thread.
  const stream = isatty(STDERR) ? { write: (line: string) => void file.write(prettyLine(line)) } : file;
  return { stream, flush: () => file.flushSync() };
};

/** Returns the log of one thread. */
export const createLog = (options: LogOptions): Log => {
  const out = options.write === undefined ? stderr() : { stream: { write: options.write }, flush: () => {} };
  const root = pino(
    {
      level: options.level,
      base: { thread: options.thread },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFacts, bindings: redactFacts },
      // redactFacts already writes errors out.
      serializers: { err: (value: unknown) => value },
    },
    out.stream,
  );
  const wrap = (logger: Pick<typeof root, LogLevel | 'child'>): Log => ({
    debug: (facts, message) => logger.debug(facts, redactText(message)),
    info: (facts, message) => logger.info(facts, redactText(message)),
    warn: (facts, message) => logger.warn(facts, redactText(message)),
    error: (facts, message) => logger.error(facts, redactText(message)),
    child: (facts) => wrap(logger.child(redactFacts(facts))),
    flush: () => out.flush(),
  });
  return wrap(root);
};
