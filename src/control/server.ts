/** The control port: health, metrics, and the API that the CLI and the console use. Not for callers. */

import { serve as listenOn } from '@hono/node-server';
import { Hono } from 'hono';
import type { apiRoutes } from './api.ts';
import type { AddressInfo } from 'node:net';
import { healthRoutes, type Health } from './health.ts';

/** An open control port. */
export interface Control {
  readonly port: number;
  close(): Promise<void>;
}

/** What the control port serves. */
export interface ControlParts {
  readonly health: Health;
  /** The API, mounted at `/api/v1`. */
  readonly api: ReturnType<typeof apiRoutes>;
}

/** Resolves to an open control port. Rejects when the address cannot be bound. */
export function openControl(
  address: { readonly host: string; readonly port: number },
  parts: ControlParts,
): Promise<Control> {
  const app = new Hono();
  app.route('/', healthRoutes(parts.health));
  app.route('/api/v1', parts.api);
  app.notFound((c) => c.json({ title: 'There is nothing at this address.', status: 404 }, 404));
  return new Promise((resolve, reject) => {
    const server = listenOn({ fetch: app.fetch, hostname: address.host, port: address.port }, (info: AddressInfo) => {
      server.off('error', reject);
      resolve({
        port: info.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', reject);
  });
}
