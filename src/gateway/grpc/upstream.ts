/** One service's way to a gRPC server. No timeout of a library ends a stream here. */

import type { UpstreamFields } from '../http/fields.ts';
import type { Http2Sessions } from '../http/upstream-http2.ts';

/** A gRPC server behind the gateway. */
export interface GrpcUpstream {
  readonly sessions: Http2Sessions;
  readonly fields: UpstreamFields;
  readonly scheme: 'http' | 'https';
  /** The secret part of the credential, to be kept out of answers; empty for none. */
  readonly secret: string;
}
