/** The load of the gRPC bench: as many unary calls at once as it is told to keep open, over two connections. */

import { connect } from 'node:http2';
import process from 'node:process';
import { INFER, REQUEST } from './grpc-message.ts';

/** What to do. */
export interface GrpcOrder {
  readonly port: number;
  readonly seconds: number;
  readonly inFlight: number;
  /** Metadata beside what gRPC asks for, different tokens for different calls. */
  readonly metadata: readonly Readonly<Record<string, string>>[];
  /** What an answer must hold, and what it must not; empty for nothing. */
  readonly expect: string;
  readonly never: string;
}

/** What came of it. */
export interface GrpcLoad {
  readonly calls: number;
  readonly wrong: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

async function run(order: GrpcOrder): Promise<GrpcLoad> {
  const sessions = Array.from({ length: 2 }, () => connect(`http://127.0.0.1:${order.port}`));
  const times: number[] = [];
  const end = performance.now() + order.seconds * 1000;
  let wrong = 0;
  let next = 0;
  const call = (): Promise<void> =>
    new Promise((resolve) => {
      const began = performance.now();
      const at = next++;
      const stream = sessions[at % sessions.length]?.request({
        ':method': 'POST',
        ':path': INFER,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...order.metadata[at % order.metadata.length],
      });
      if (stream === undefined) return resolve();
      const chunks: Buffer[] = [];
      let status = '';
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('trailers', (fields) => (status = String(fields['grpc-status'])));
      stream.on('error', () => {});
      stream.on('close', () => {
        const answer = Buffer.concat(chunks).toString('latin1');
        const ok =
          status === '0' && answer.includes(order.expect) && (order.never === '' || !answer.includes(order.never));
        if (!ok) wrong++;
        times.push(performance.now() - began);
        resolve();
      });
      stream.end(REQUEST);
    });
  const line = async (): Promise<void> => {
    while (performance.now() < end) await call();
  };
  await Promise.all(Array.from({ length: order.inFlight }, line));
  for (const session of sessions) session.destroy();
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
  return { calls: times.length, wrong, p50: at(0.5), p99: at(0.99) };
}

process.on('message', (order: GrpcOrder) => void run(order).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit(0));
