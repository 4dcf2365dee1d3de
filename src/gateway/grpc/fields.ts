/** Which metadata cross the gateway, in each direction. */

import { readableCodings } from '../../protocol/grpc/coding.ts';
import { answerFields, requestFields, trailerFields } from '../http/fields.ts';
import type { GrpcUpstream } from './upstream.ts';

/** What is said to the upstream beside the caller's metadata. */
export interface GrpcRequestOptions {
  readonly path: string;
  /** Messages of the answer will be read: no coding that cannot be. */
  readonly reads: boolean;
  /** In place of the caller's `grpc-timeout`; null to keep it. */
  readonly timeout: string | null;
}

/**
 * Returns the head of the upstream's request, pseudo-header fields first (RFC 9113 §8.3). A server that is shown a
 * credential is asked for messages that can be searched for it.
 */
export function grpcRequestFields(
  raw: readonly string[],
  { fields: to, scheme, secret }: GrpcUpstream,
  { path, reads, timeout }: GrpcRequestOptions,
): string[] {
  const head = [':method', 'POST', ':scheme', scheme, ':authority', to.host, ':path', path, 'te', 'trailers'];
  const fields = requestFields(raw, to, null, false);
  // the first two are Host, which HTTP/2 says in :authority
  for (let at = 2; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    const value = fields[at + 1] ?? '';
    if (name === 'grpc-timeout' && timeout !== null) head.push(name, timeout);
    else if (name === 'grpc-accept-encoding' && secret !== '') head.push(name, 'identity');
    else if (name === 'grpc-accept-encoding' && reads) head.push(name, readableCodings(value));
    else head.push(name, value);
  }
  return head;
}

const withoutPseudo = (raw: readonly string[]): readonly string[] => {
  let at = 0;
  while (raw[at]?.startsWith(':') === true) at += 2;
  return raw.slice(at);
};

/** Returns the head of the answer to the caller. Values that hold the upstream's credential are dropped with their line. */
export const grpcAnswerFields = (
  raw: readonly string[],
  session: string,
  edited: boolean,
  secret: string,
): string[] => [':status', '200', ...answerFields(withoutPseudo(raw), session, edited, secret)];

/** Returns the trailers to the caller. */
export const grpcTrailers = (raw: readonly string[], secret: string): readonly string[] =>
  trailerFields(withoutPseudo(raw), secret);

/** Returns lines as node's `sendTrailers` takes them: values of one name together, in order. */
export function asTrailers(raw: readonly string[]): Record<string, string | string[]> {
  const trailers = new Map<string, string | string[]>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    const known = trailers.get(name);
    trailers.set(name, known === undefined ? value : [known, value].flat());
  }
  return Object.fromEntries(trailers);
}
