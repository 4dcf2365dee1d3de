/** Lets calls in, whichever version of HTTP brings them: within the limits, and to the way that is theirs. */

import { constants } from 'node:http2';
import type { Config } from '../../config.ts';
import type { Arrival } from '../accept.ts';
import type { CallRequest, CallResponse } from './exchange.ts';
import type { Gate } from '../gate.ts';
import { handleGrpc, isGrpc } from '../grpc/handle-grpc.ts';
import { refuseGrpc } from '../grpc/refuse.ts';
import { handle } from '../handle.ts';
import { Http2Request, Http2Response } from './http2-exchange.ts';
import { headerListSize, readHttp2Head } from './http2-head.ts';
import { type Http2Arrival, refuseStream } from './http2.ts';
import { refuseStranger } from '../refuse.ts';
import { trustedProxies } from './source.ts';
import { answerWellKnown } from '../well-known.ts';

/** The calls that are under way on this worker, over all its listeners. */
export interface ActiveCalls {
  count: number;
}

/** Takes what arrives at one listener. */
export interface Arrivals {
  readonly request: (req: CallRequest, res: CallResponse, peer: string) => void;
  readonly stream: (arrival: Http2Arrival) => void;
}

/** Returns what takes the calls of a listener that is bound to `service`; empty for none. */
export function createArrivals(gate: Gate, config: Config, active: ActiveCalls, service: string): Arrivals {
  const { limits } = config;
  const admit = admission(gate, limits, active);
  const proxies = trustedProxies(config.trusted_proxies);
  const from = (peer: string): Arrival => ({ listener: service, peer, proxies });

  const request = (req: CallRequest, res: CallResponse, peer: string): void => {
    if (service === '' && answerWellKnown(gate.epoch(), req, res)) return;
    const refusal = admit(res);
    if (refusal !== null) return refuseStranger(gate, res, peer, { reason: refusal });
    handle(gate, req, res, from(peer)).catch((err: unknown) => {
      gate.log.error({ err }, 'a request failed unexpectedly');
      res.destroy();
    });
  };

  const stream = ({ stream, rawHeaders, contentType, peer }: Http2Arrival): void => {
    const head = readHttp2Head(rawHeaders, stream.endAfterHeaders);
    if ('bad' in head) {
      gate.recorder.refused(peer, 'bad-request');
      gate.watcher.refused('bad-request');
      return refuseStream(stream);
    }
    const isTooLarge = headerListSize(rawHeaders) > limits.headers;
    if (isGrpc(contentType)) {
      const refusal = isTooLarge ? 'headers-too-large' : admit(stream);
      if (refusal !== null) return refuseGrpc(gate, stream, peer, refusal);
      handleGrpc(gate, stream, head, from(peer)).catch((err: unknown) => {
        gate.log.error({ err }, 'a gRPC call failed unexpectedly');
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      });
      return;
    }
    const req = new Http2Request(stream, head);
    const res = new Http2Response(stream, req);
    if (isTooLarge) return refuseStranger(gate, res, peer, { reason: 'headers-too-large' });
    request(req, res, peer);
  };
  return { request, stream };
}

/** Returns what counts a call in: the reason why it may not begin, or null; it counts out when its answer is over. */
function admission(gate: Gate, limits: Config['limits'], active: ActiveCalls) {
  const out = (): void => gate.watcher.active(--active.count);
  return (answer: { once(event: 'close', listener: () => void): unknown }): 'draining' | 'overloaded' | null => {
    if (gate.drain.aborted) return 'draining';
    if (active.count >= limits.calls) return 'overloaded';
    gate.watcher.active(++active.count);
    answer.once('close', out);
    return null;
  };
}
