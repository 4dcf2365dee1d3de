/** The gRPC side of a service: what is known of its messages, and the way to its server. */

import { isDeepStrictEqual } from 'node:util';
import type { ServiceConfig } from '../../config.ts';
import { CREDENTIAL_HEADERS } from '../../identify/identify.ts';
import type { GrpcCodec } from '../../protocol/grpc/codec.ts';
import { codecOfFile, undescribedCodec } from '../../protocol/grpc/descriptors.ts';
import { kserveGrpc } from '../../protocol/grpc/kserve.ts';
import { tfservingGrpc } from '../../protocol/grpc/tfserving.ts';
import type { Served, ServedGrpc } from '../gate.ts';
import { learnCodec } from './learn.ts';
import type { GrpcUpstream } from './upstream.ts';
import { credentialLine, lookupOutsideMetadata, upstreamAddress, type UpstreamKeys } from '../upstream.ts';
import type { UpstreamTls } from '../upstream-tls.ts';
import { Http2Sessions } from '../http/upstream-http2.ts';

const DEFAULT_LONGEST = 64 * 1024 ** 2;

/** Returns the gRPC side of a service, null when it has none. `known` is the same service before. Throws on a descriptor set that is none. */
export function serveGrpc(
  config: ServiceConfig,
  { secret, tls }: Pick<UpstreamKeys, 'secret' | 'tls'>,
  file: (path: string) => Uint8Array,
  known: Served | null,
): ServedGrpc | null {
  if (config.protocol !== 'grpc' && config.grpc === undefined) return null;
  const longest = config.grpc?.max_message ?? DEFAULT_LONGEST;
  const reusable =
    known?.grpc?.upstream.secret === secret &&
    isDeepStrictEqual(known.upstream.tls, tls) &&
    isDeepStrictEqual(known.config.upstream, config.upstream) &&
    known.config.grpc?.url === config.grpc?.url;
  const upstream = reusable && known.grpc !== null ? known.grpc.upstream : openUpstream(config, secret, tls);
  const reflected = config.grpc?.descriptors === 'reflection';
  const about = reflected ? learning(upstream, config.upstream.connect_timeout) : knowing(codecOf(config, file));
  return { ...about, longest, upstream };
}

type About = Pick<ServedGrpc, 'known' | 'learn'>;

const knowing = (codec: GrpcCodec): About => ({ known: () => codec, learn: () => null });

/** How long what a server said stands before a method that it did not name is a reason to ask again, ms. */
const STANDS = 10_000;

/** Asks the server when a call needs it, and again when one names a method that is not known, one question at a time. */
function learning(upstream: GrpcUpstream, timeout: number): About {
  let codec: GrpcCodec | null = null;
  let asking: Promise<GrpcCodec> | null = null;
  let askedAt = -Infinity;
  const ask = async (): Promise<GrpcCodec> => {
    try {
      codec = await learnCodec(upstream, timeout);
      askedAt = performance.now();
      return codec;
    } finally {
      asking = null;
    }
  };
  return {
    known: () => codec ?? undescribedCodec,
    learn() {
      if (codec !== null && performance.now() - askedAt < STANDS) return null;
      asking ??= ask();
      return asking;
    },
  };
}

function codecOf({ name, protocol, grpc }: ServiceConfig, file: (path: string) => Uint8Array): GrpcCodec {
  const descriptors = grpc?.descriptors ?? (protocol === 'kserve' || protocol === 'tfserving' ? protocol : undefined);
  if (descriptors === 'kserve') return kserveGrpc;
  if (descriptors === 'tfserving') return tfservingGrpc;
  if (typeof descriptors !== 'object') return undescribedCodec;
  try {
    return codecOfFile(file(descriptors.file));
  } catch (cause) {
    throw new Error(`services.${name}.grpc.descriptors.file: expected a whole descriptor set`, { cause });
  }
}

function openUpstream(config: ServiceConfig, secret: string, tls: UpstreamTls): GrpcUpstream {
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
      tls,
    }),
    scheme: address.secure ? 'https' : 'http',
    fields: { host: address.host, credential: credentialLine(config, secret), callerCredentials: CREDENTIAL_HEADERS },
    secret,
  };
}
