/** A client that writes any bytes at all and reads what comes back as HTTP/1.1 answers. */

import { connect } from 'node:net';

/** One answer as it came. */
export interface RawAnswer {
  /** 0 for bytes that are no whole HTTP/1.1 answer; they are the body. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** What became of the bytes. */
export interface Exchange {
  readonly answers: readonly RawAnswer[];
  /** The gateway ended the connection; false when it stayed open. */
  readonly closed: boolean;
}

interface SpeakOptions {
  /** An answer to HEAD has no body, whatever its length says. */
  readonly isHead?: boolean;
  /** Ends the sending side behind the last byte. */
  readonly end?: boolean;
  /** Milliseconds after which no answer is waited for any more. */
  readonly patience?: number;
}

/** Milliseconds without a byte after an answer, after which no second one is expected. */
const QUIET = 80;

/** Writes `bytes` on a connection of its own and resolves to what came back. Never rejects. */
export function speak(url: string, bytes: Buffer, options: SpeakOptions = {}): Promise<Exchange> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(Number(port), hostname, () =>
      options.end === true ? socket.end(bytes) : socket.write(bytes),
    );
    const finish = (closed: boolean): void => {
      clearTimeout(limit);
      clearTimeout(quiet);
      socket.destroy();
      resolve({ answers: readAnswers(received, options.isHead ?? false), closed });
    };
    const limit = setTimeout(() => finish(false), options.patience ?? 4_000);
    let quiet: NodeJS.Timeout | undefined;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      clearTimeout(quiet);
      quiet = setTimeout(() => finish(false), QUIET);
    });
    socket.on('error', () => {});
    socket.on('close', () => finish(true));
  });
}

function readAnswers(text: string, isHead: boolean): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    const status = /^HTTP\/1\.1 (\d{3})/.exec(rest)?.[1];
    if (end === -1 || status === undefined) return [...answers, { status: 0, head: '', body: rest }];
    const head = rest.slice(0, end);
    const body = isHead || status === '100' ? { text: '', length: 0 } : readBody(head, rest.slice(end + 4));
    answers.push({ status: Number(status), head, body: body.text });
    rest = rest.slice(end + 4 + body.length);
  }
  return answers;
}

function readBody(head: string, rest: string): { text: string; length: number } {
  const declared = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (declared !== undefined) return { text: rest.slice(0, Number(declared)), length: Number(declared) };
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return { text: '', length: 0 };
  let text = '';
  let at = 0;
  for (;;) {
    const line = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.slice(at, line), 16);
    if (line === -1 || Number.isNaN(size)) return { text, length: rest.length };
    at = line + 2 + size + 2;
    if (size === 0) return { text, length: at };
    text += rest.slice(line + 2, line + 2 + size);
  }
}
