/** Fetches a small JSON document from an issuer: one address, no redirects, bounded in size and time. */

import { type Dispatcher, request } from 'undici';
import { isLoopback } from '../address.ts';
import { type JsonObject, readJsonObject } from './json-object.ts';

/** The largest document that is read, in bytes. */
const MAX_BYTES = 256 * 1024;

/** How documents are fetched. */
export interface Fetching {
  /** Undici's seam for connections; it must not follow redirects. */
  readonly dispatcher: Dispatcher;
  /** Ends the fetch, by its deadline or because the gateway closes. */
  readonly signal: AbortSignal;
}

/** A fetched document. */
export interface Fetched {
  readonly document: JsonObject;
  /** `max-age` of its Cache-Control in milliseconds (RFC 9111 §5.2.2.1); null when it has none. */
  readonly maxAge: number | null;
}

/**
 * Returns `text` as the address to fetch for `issuer`. Throws Error unless it is https without user or fragment, or
 * plain http on this machine for an issuer that is itself there: an issuer elsewhere cannot make us call services
 * of this machine.
 */
export function endpoint(text: string, issuer: string): URL {
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw new Error('expected an address without user and fragment');
  if (url.protocol === 'https:') return url;
  const local = url.protocol === 'http:' && isLoopback(url.hostname) && isLoopback(new URL(issuer).hostname);
  if (!local) throw new Error('expected https, or plain http between loopback addresses');
  return url;
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // leaving the loop destroys the stream, and with it the connection
    if (size > MAX_BYTES) throw new Error(`expected at most ${MAX_BYTES} bytes, found more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const readMaxAge = (cacheControl: string | string[] | undefined): number | null => {
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(String(cacheControl ?? ''))?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
};

/** Returns the JSON object at `url`. Rejects for any status but 200 (a redirect too), and beyond the bounds. */
export async function getJson(url: URL, { dispatcher, signal }: Fetching): Promise<Fetched> {
  const answer = await request(url, { dispatcher, signal, headers: { accept: 'application/json' } });
  if (answer.statusCode !== 200) {
    // a destroyed body reports its abort as an error event, and one that nobody listens to ends the thread
    answer.body.on('error', () => {}).destroy();
    throw new Error(`expected status 200, found ${answer.statusCode}`);
  }
  const document = readJsonObject(await readBounded(answer.body));
  if (document === null) throw new Error('expected a strict JSON object');
  return { document, maxAge: readMaxAge(answer.headers['cache-control']) };
}
