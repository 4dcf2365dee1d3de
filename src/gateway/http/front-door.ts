/** Tells by the first bytes of a connection which version of HTTP it speaks. Costs nothing once that is known. */

import type { Socket } from 'node:net';

/** RFC 9113 §3.4: what a client that knows sends first. No method that we forward begins so. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Where connections go. */
export interface Doors {
  readonly http1: (socket: Socket) => void;
  readonly http2: (socket: Socket) => void;
  /** Nothing that tells came in time. */
  readonly silent: (socket: Socket) => void;
  /** Milliseconds. */
  readonly timeout: number;
}

/** Looks at the first bytes of a connection and hands it on, bytes included. */
export function lookAtFirstBytes(socket: Socket, doors: Doors): void {
  let seen: Buffer = NOTHING;
  const timer = setTimeout(() => {
    detach();
    socket.on('error', ignore);
    doors.silent(socket);
  }, doors.timeout);
  const leave = (): void => void socket.destroy();
  const look = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const same = PREFACE.compare(seen, 0, length, 0, length) === 0;
    if (same && length < PREFACE.length) return;
    detach();
    socket.pause();
    socket.unshift(seen);
    if (same) return doors.http2(socket);
    doors.http1(socket);
    socket.resume();
  };
  const detach = (): void => {
    clearTimeout(timer);
    socket.off('data', look).off('end', leave).off('close', detach).off('error', ignore);
  };
  socket.on('data', look).on('end', leave).on('close', detach).on('error', ignore);
}

const NOTHING = Buffer.alloc(0);
const ignore = (): void => {};
