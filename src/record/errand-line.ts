/**
 * The line to a running gateway on the same machine: a socket in the data folder, which only its owner may open. One
 * errand a connection, as a line of JSON; the answer is another.
 */

import { chmodSync, openSync, closeSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Errand, errandSchema, type Outcome, outcomeSchema } from './errand.ts';

const NAME = 'errands.sock';
/** The longest path of a socket: sun_path of macOS has 104 bytes, that of Linux 108. */
const MAX_PATH = 100;
const MAX_LINE = 64 * 1024;

/** Runs `use` with a path of the socket that is short enough. */
function withPath<T>(folder: string, use: (path: string) => T): T {
  const path = join(folder, NAME);
  if (Buffer.byteLength(path) <= MAX_PATH || process.platform !== 'linux') return use(path);
  const fd = openSync(folder, 'r');
  try {
    return use(`/proc/self/fd/${fd}/${NAME}`);
  } finally {
    closeSync(fd);
  }
}

/** An open line. */
export interface ErrandLine {
  close(): Promise<void>;
}

/** Resolves to a line on which `run` does what is asked. The lock of the folder is held. Rejects when it cannot be opened. */
export async function openErrandLine(folder: string, run: (errand: Errand) => Promise<Outcome>): Promise<ErrandLine> {
  const path = join(folder, NAME);
  // what a crash left; nobody else can listen, because we hold the lock
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, run));
  const opened = Promise.withResolvers<void>();
  server.once('error', opened.reject);
  withPath(folder, (short) => server.listen(short, opened.resolve));
  await opened.promise;
  chmodSync(path, 0o600);
  server.unref();
  return { close: () => new Promise((resolve) => void server.close(() => resolve())) };
}

function serve(socket: Socket, run: (errand: Errand) => Promise<Outcome>): void {
  socket.on('error', () => socket.destroy());
  const answer = (outcome: Outcome): void => void socket.end(`${JSON.stringify(outcome)}\n`);
  let line = '';
  let isAsked = false;
  socket.setEncoding('utf8').on('data', (text: string) => {
    line += text;
    if (line.length > MAX_LINE) socket.destroy();
    if (isAsked || !line.includes('\n')) return;
    isAsked = true;
    doLine(line, run).then(answer, (error: unknown) => {
      answer({ kind: 'refused', why: error instanceof Error ? error.message : String(error) });
    });
  });
}

async function doLine(line: string, run: (errand: Errand) => Promise<Outcome>): Promise<Outcome> {
  return run(errandSchema.parse(JSON.parse(line)));
}

/** Resolves to what came of an errand; null when no gateway listens. Rejects when the line breaks. */
export async function sendErrand(folder: string, errand: Errand): Promise<Outcome | null> {
  const socket = withPath(folder, (path) => connect(path));
  try {
    await new Promise<void>((resolve, reject) => void socket.once('connect', resolve).once('error', reject));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')) {
      return null;
    }
    throw error;
  }
  socket.write(`${JSON.stringify(errand)}\n`);
  for await (const line of createInterface({ input: socket })) return outcomeSchema.parse(JSON.parse(line));
  throw new Error('the gateway hung up');
}
