/** A server for one test: every request gets the same answer. */

import { createServer, type RequestListener, type Server } from 'node:http';

/** A server that listens on a port of its own. */
export interface Serving {
  readonly origin: string;
  close(): void;
}

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port');
  return address.port;
};

/** Resolves once the server listens. */
export const serve = async (answer: RequestListener): Promise<Serving> => {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${portOf(server)}`, close: () => server.close() };
};
