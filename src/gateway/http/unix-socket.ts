/** Unix sockets to listen on: the file of a process that is gone is taken away, one that somebody answers is not. */

import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Resolves when nothing stands in the way of a socket at `path`. Rejects with code EADDRINUSE when another process
 * answers there, and when what stands there is no socket.
 */
export async function freeSocketPath(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there already and is no socket`);
  if (await isAnswered(path)) throw Object.assign(new Error(`${path} is in use`), { code: 'EADDRINUSE' });
  rmSync(path);
}

/** Resolves to true unless nobody listens there, which the kernel knows. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')));
  });
}
