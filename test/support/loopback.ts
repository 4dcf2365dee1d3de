/** Servers on this machine, for tests and the demo. */

import { once } from 'node:events';
import type { Server } from 'node:http';

/** Makes the server listen on 127.0.0.1 and resolves to its port; port 0 is any free one. */
export async function listenOnLoopback(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('expected a TCP port');
  return address.port;
}

/** Stops the server, its connections too, and resolves when it has stopped. A stopped server may listen again. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
