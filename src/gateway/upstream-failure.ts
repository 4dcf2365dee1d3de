/** Why an upstream call failed, in the words of the closed set. */

import { Failure } from '../reasons.ts';

const TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ANSWER_TIMEOUT']);
const UNREACHABLE: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'CONNECT_TIMEOUT',
  'NO_HTTP2',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  // a Unix socket that is not there, or not ours to open
  'ENOENT',
  'EACCES',
]);

/** Returns the failure for an error of the connection; `headed` says whether the head of the answer had come. */
export function upstreamFailure(error: Error, headed: boolean): Failure {
  const code = codeOf(error);
  const options = { cause: error };
  if (TIMEOUTS.has(code))
    return new Failure('upstream-timeout', `the upstream was silent for too long (${code})`, options);
  if (!headed && UNREACHABLE.has(code))
    return new Failure('upstream-unreachable', `the upstream cannot be reached (${code})`, options);
  return new Failure(
    'upstream-failed',
    `the upstream broke off ${headed ? 'within' : 'before'} its answer (${code})`,
    options,
  );
}

/** A stream whose connection failed says so only in its cause. */
function codeOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return code === 'ERR_HTTP2_STREAM_CANCEL' && error.cause instanceof Error ? codeOf(error.cause) : code;
}

/** An error of ours that has a code, as node's have. */
export class UpstreamError extends Error {
  readonly code: 'ANSWER_TIMEOUT' | 'CONNECT_TIMEOUT' | 'NO_HTTP2' | 'BROKE_OFF';

  constructor(code: UpstreamError['code'], message: string) {
    super(message);
    this.name = 'UpstreamError';
    this.code = code;
  }
}
