/** Ends streams of HTTP/2 whose answer is complete before their request is. */

import type { ServerHttp2Stream } from 'node:http2';

/** How long a caller may take to notice that its call is over, ms. */
const NOTICE_MS = 1_000;

/**
 * Ends a stream whose answer is complete before its request is. What has arrived of the rest is dropped unseen, because
 * node keeps a stream for as long as it holds something to read; a caller who goes on is reset (RFC 9113 §8.1), though
 * not at once, since a reset overtakes what waits to be written.
 */
export function dropRest(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return;
  const timer = setTimeout(() => stream.destroy(), NOTICE_MS);
  stream.once('close', () => clearTimeout(timer));
  stream.resume();
}
