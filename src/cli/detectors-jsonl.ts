/** `sallyport detectors test --jsonl`: one JSON string a line in, one JSON array of findings a line out. */

import type { Scanner } from '../detect/scanner.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io, Sink } from './io.ts';

const NEWLINE = 0x0a;
/** Fewer, larger writes: a write for each line would cost more than the scan. */
const BATCH = 1 << 16;

/** Resolves when a sink takes more; a slow reader holds the scan up, not the memory. */
const drained = (sink: Sink): Promise<void> =>
  new Promise((resolve) => {
    if (sink.once === undefined) resolve();
    else sink.once('drain', resolve);
  });

const readLine = (line: string, number: number): string => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // What is wrong with it would quote it.
  }
  if (typeof value === 'string') return value;
  throw new CliError(EXIT.usage, `line ${number}: expected a JSON string`);
};

const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

/** Yields whole lines, without the empty one behind the last. Throws when what comes in is not UTF-8. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  let rest: Uint8Array[] = [];
  for await (const chunk of input) {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      rest.push(chunk);
      continue;
    }
    yield decode(Buffer.concat([...rest, chunk.subarray(0, end)])).split('\n');
    rest = [chunk.subarray(end + 1)];
  }
  const last = decode(Buffer.concat(rest));
  if (last !== '') yield [last];
}

/** Scans the lines of standard input until it ends. Throws CliError `usage` for a line that is no JSON string. */
export const scanLines = async (io: Io, scanner: Scanner): Promise<void> => {
  let out = '';
  let number = 0;
  const flush = async (): Promise<void> => {
    const ready = io.stdout.write(out) !== false;
    out = '';
    if (!ready) await drained(io.stdout);
  };
  try {
    for await (const lines of linesOf(io.stdin)) {
      for (const line of lines) {
        number += 1;
        const findings = scanner.scan(readLine(line, number));
        out += findings.length === 0 ? '[]\n' : `${JSON.stringify(findings)}\n`;
        if (out.length >= BATCH) await flush();
      }
    }
  } catch (error) {
    if (error instanceof TypeError)
      throw new CliError(EXIT.usage, `behind line ${number}: expected UTF-8`, { cause: error });
    throw error;
  } finally {
    if (out !== '') await flush();
  }
};
