/** The model server of the gRPC bench: node:http2, one answer to every call. */

import { createServer, type ServerHttp2Stream } from 'node:http2';
import process from 'node:process';
import { ANSWER } from './grpc-message.ts';

const server = createServer();
server.on('stream', (stream: ServerHttp2Stream) => {
  stream.on('error', () => {});
  stream.resume();
  stream.on('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(ANSWER);
  });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ address: server.address() }));
