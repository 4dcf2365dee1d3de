/** forward, for a WebSocket: the handshake with the model server, and then the caller's own (RFC 6455 §4). */

import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Verdict } from '../../call.ts';
import { withoutKey } from '../../identify/credential.ts';
import { Failure } from '../../reasons.ts';
import type { Session } from '../../record/recorder.ts';
import { Answer } from '../answer.ts';
import { answerFields, fieldValue, requestFields } from '../http/fields.ts';
import type { AnswerMasks } from '../masks.ts';
import { SocketRelay } from './relay.ts';
import type { Underway } from '../underway.ts';
import { upstreamFailure } from '../upstream-failure.ts';

/** What a call that became a WebSocket goes on with. */
export interface SocketCall {
  readonly call: Underway;
  readonly session: Session;
  readonly verdict: Verdict;
  /** For an answer that is no WebSocket. */
  readonly masks: AnswerMasks;
}

/**
 * Opens the connection to the model server and, once that stands and the opening is on the disk, the caller's. Whatever
 * the model server answers instead reaches the caller like any answer.
 */
export function forwardSocket(socket: SocketCall): void {
  const { call, session, masks } = socket;
  const { served, request } = call.accepted;
  const mounted = served.upstream.mount + request.path;
  const upstream = served.upstream.openSocket({
    path: request.query === '' ? mounted : `${mounted}?${request.query}`,
    protocols: withoutKey(fieldValue(request.rawHeaders, 'sec-websocket-protocol')),
    fields: withoutHandshake(requestFields(request.rawHeaders, served.upstream.fields, null, false)),
  });
  let settled = false;
  const once = (step: () => void): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    call.res.off('close', left);
    step();
  };
  const fail = (failure: Failure): void =>
    once(() => {
      upstream.terminate();
      new Answer(call, session, masks).fail(failure);
    });
  const left = (): void => fail(LEFT);
  call.res.once('close', left);
  const timer = setTimeout(() => fail(SILENT), served.config.upstream.answer_timeout);

  upstream.once('error', (error) => fail(upstreamFailure(error, false)));
  upstream.once('unexpected-response', (_, answer) => once(() => passOn(new Answer(call, session, masks), answer)));
  upstream.once('upgrade', ({ rawHeaders }) => {
    upstream.once('open', () => {
      // no message may come before there is one who reads
      upstream.pause();
      session.durable((ok) => {
        if (!ok) return fail(new Failure('evidence-unavailable', 'the opening record could not be made durable'));
        try {
          const shown = masks.lines(rawHeaders);
          once(() => open(socket, upstream, shown));
        } catch (cause) {
          fail(
            cause instanceof Failure ? cause : new Failure('internal', 'a handshake failed unexpectedly', { cause }),
          );
        }
      });
    });
  });
}

const LEFT = new Failure('caller-left', 'the caller closed the connection');
const SILENT = new Failure('upstream-timeout', 'the model server did not answer the handshake in time');

function open({ call, session, verdict }: SocketCall, upstream: WebSocket, rawHeaders: readonly string[]): void {
  const { served } = call.accepted;
  const fields = withoutHandshake(answerFields(rawHeaders, session.id, false, served.upstream.secret));
  const caller =
    call.res.openSocket?.({ protocol: upstream.protocol, longest: served.config.max_body, fields }) ?? null;
  if (caller === null) {
    upstream.terminate();
    return call.end({ reason: 'caller-left', status: 499, ended: 'client_abort', usage: null, events: 0 });
  }
  session.head(101, fields);
  new SocketRelay(call, session, verdict, { caller, upstream }).start();
}

/** The model server answered with something else than a WebSocket. */
function passOn(answer: Answer, from: IncomingMessage): void {
  answer.flow({ pause: () => from.pause(), resume: () => from.resume(), abort: () => from.destroy() });
  answer.head(from.statusCode ?? 0, from.statusMessage ?? '', from.rawHeaders);
  from.on('data', (chunk: Buffer) => answer.data(chunk));
  from.on('end', () => answer.end(from.rawTrailers));
  from.on('error', (error) => answer.fail(upstreamFailure(error, true)));
}

/** Each side of the gateway makes its own handshake. */
function withoutHandshake(raw: readonly string[]): string[] {
  return raw.filter((_, at) => !/^sec-websocket-/i.test(raw[at - (at % 2)] ?? ''));
}
