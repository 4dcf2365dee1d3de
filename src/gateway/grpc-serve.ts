/** The gRPC side of a service: what is known of its messages, and the way to its server. */

import { isDeepStrictEqual } from 'node:util';
import type { ServiceConfig } from '../config.ts';
import { CREDENTIAL_HEADERS } from '../identify/identify.ts';
import type { GrpcCodec } from '../protocol/grpc-codec.ts';
import { codecOfFile, undescribedCodec } from '../protocol/grpc-descriptors.ts';
import { kserveGrpc } from '../protocol/grpc-kserve.ts';
import { tfservingGrpc } from '../protocol/grpc-tfserving.ts';
import type { Served, ServedGrpc } from './gate.ts';
import type { GrpcUpstream } from './grpc-upstream.ts';
import { credentialLine, lookupOutsideMetadata, upstreamAddress } from './upstream.ts';
import { Http2Sessions } from './upstream-http2.ts';

const DEFAULT_LONGEST = 64 * 1024 ** 2;

/** Returns the gRPC side of a service, null when it has none. `known` is the same service before. Throws on a descriptor set that is none. */
export function serveGrpc(
  config: ServiceConfig,
  secret: string,
  file: (path: string) => Uint8Array,
  known: Served | null,
): ServedGrpc | null {
  if (config.protocol !== 'grpc' && config.grpc === undefined) return null;
  const codec = codecOf(config, file);
  const longest = config.grpc?.max_message ?? DEFAULT_LONGEST;
  const reusable =
    known?.grpc?.upstream.secret === secret &&
    isDeepStrictEqual(known.config.upstream, config.upstream) &&
    known.config.grpc?.url === config.grpc?.url;
  const upstream = reusable && known.grpc !== null ? known.grpc.upstream : openUpstream(config, secret);
  return { codec: () => codec, longest, upstream };
}

function codecOf({ name, protocol, grpc }: ServiceConfig, file: (path: string) => Uint8Array): GrpcCodec {
  const descriptors = grpc?.descriptors ?? (protocol === 'kserve' ? 'kserve' : undefined);
  if (descriptors === 'kserve') return kserveGrpc;
  if (descriptors === 'tfserving') return tfservingGrpc;
  if (descriptors === undefined || descriptors === 'reflection') return undescribedCodec;
  try {
    return codecOfFile(file(descriptors.file));
  } catch (cause) {
    throw new Error(`services.${name}.grpc.descriptors.file: expected a whole descriptor set`, { cause });
  }
}

function openUpstream(config: ServiceConfig, secret: string): GrpcUpstream {
  const { upstream, grpc, name } = config;
  const address =
    grpc?.url === undefined
      ? upstreamAddress(upstream.url, `services.${name}.upstream.url`)
      : upstreamAddress(grpc.url, `services.${name}.grpc.url`);
  return {
    sessions: new Http2Sessions({
      address,
      connections: upstream.connections,
      connectTimeout: upstream.connect_timeout,
      lookup: lookupOutsideMetadata,
    }),
    scheme: address.secure ? 'https' : 'http',
    fields: { host: address.host, credential: credentialLine(config, secret), callerCredentials: CREDENTIAL_HEADERS },
    secret,
  };
}
