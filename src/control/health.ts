/** Health and metrics, for orchestrators and Prometheus. They tell nothing about callers or payloads. */

import { Hono } from 'hono';

/** What the house says of itself. */
export interface Health {
  /** Resolves to what keeps calls from passing, one line each; empty when they can. */
  missing(): Promise<readonly string[]>;
  /** Returns what is not as it should be though calls pass, one line each. */
  notes(): readonly string[];
  /** Resolves to the metrics of all threads in the Prometheus text format. */
  metrics(): Promise<string>;
}

/** Returns the routes `/healthz` (the process lives), `/readyz` (it can take calls) and `/metrics`. */
export function healthRoutes(health: Health): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const missing = await health.missing();
    if (missing.length > 0) return c.json({ status: 'not ready', missing }, 503);
    const notes = health.notes();
    return c.json(notes.length === 0 ? { status: 'ready' } : { status: 'ready', notes });
  });
  app.get('/metrics', async (c) =>
    c.text(await health.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  return app;
}
