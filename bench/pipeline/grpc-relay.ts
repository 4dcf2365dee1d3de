/**
 * The yardstick for gRPC: the least that a relay in Node does. One process, one thread, node:http2 on both sides, frames
 * and trailers passed on as they come. It knows no caller, looks at nothing and records nothing.
 */

import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import process from 'node:process';

const [upstream = ''] = process.argv.slice(2);
const sessions = Array.from({ length: 2 }, () => connect(upstream));
let turn = 0;

const server = createServer();
server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: string[]) => {
  const session = sessions[turn++ % sessions.length];
  if (session === undefined) return stream.close();
  const forward = session.request(raw);
  let trailers: Record<string, string> = {};
  stream.on('error', () => {}).on('data', (chunk: Buffer) => void forward.write(chunk));
  stream.on('end', () => forward.end());
  forward
    .on('error', () => {})
    .on('response', (_, __, fields: string[]) => {
      stream.respond(fields, { waitForTrailers: true });
    });
  forward.on('data', (chunk: Buffer) => void stream.write(chunk));
  forward.on('trailers', (fields) => {
    trailers = { 'grpc-status': String(fields['grpc-status']) };
  });
  forward.on('end', () => stream.end());
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  return undefined;
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ address: server.address() }));
