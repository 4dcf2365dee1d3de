/** A scripted realtime server: says what a test tells it, and keeps every handshake and message as it arrived. */

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';

/** A connection as the server sees it. */
export interface RealtimeConnection {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
  /** Messages of the client so far, as texts. */
  readonly messages: readonly string[];
  /** Resolves when the client has sent this many messages. */
  received(count: number): Promise<void>;
  say(...events: readonly object[]): void;
  /** Resolves with the code that the connection was closed with. */
  readonly closed: Promise<number>;
}

/** A running realtime server. */
export interface RealtimeServer {
  readonly url: string;
  /** Handshakes so far, refused ones too. */
  readonly handshakes: readonly IncomingMessage[];
  /** Resolves with the next connection. */
  next(): Promise<RealtimeConnection>;
  /** Answers the next handshake with this status and text instead. */
  refuseNext(status: number, text: string): void;
  close(): Promise<void>;
}

/** Resolves to a realtime server on a free port of 127.0.0.1. It agrees on the subprotocol `realtime` where it is offered. */
export async function startRealtimeServer(): Promise<RealtimeServer> {
  const handshakes: IncomingMessage[] = [];
  const waiting: ((connection: RealtimeConnection) => void)[] = [];
  const ready: RealtimeConnection[] = [];
  let refusal: { readonly status: number; readonly text: string } | null = null;
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has('realtime') ? 'realtime' : false),
  });
  const server = createServer();
  server.on('upgrade', (request, raw, head) => {
    handshakes.push(request);
    raw.on('error', () => {});
    if (refusal !== null) {
      const { status, text } = refusal;
      refusal = null;
      raw.end(`HTTP/1.1 ${status} No\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
      return;
    }
    sockets.handleUpgrade(request, raw, head, (socket) => {
      const connection = connect(request, socket);
      const take = waiting.shift();
      if (take === undefined) ready.push(connection);
      else take(connection);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    handshakes,
    next() {
      const connection = ready.shift();
      return connection === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(connection);
    },
    refuseNext(status, text) {
      refusal = { status, text };
    },
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function connect(request: IncomingMessage, socket: WebSocket): RealtimeConnection {
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  socket.on('error', () => {});
  return {
    request,
    socket,
    messages,
    async received(count) {
      while (messages.length < count) await once(socket, 'message');
    },
    say(...events) {
      for (const event of events) socket.send(JSON.stringify(event));
    },
    closed: once(socket, 'close').then(([code]) => Number(code)),
  };
}
