/**
 * Lets go of HTTP/1.1 connections that carry no call. Node has clocks of its own, for a head that has begun and for a
 * connection that is silent; a blank line ahead of a head (RFC 9112 §2.2), or more of a body that nobody reads, stops
 * the second and does not start the first.
 */

import type { Socket } from 'node:net';

/** What was seen of a connection when it was last looked at with something new. */
interface Seen {
  written: number;
  since: number;
}

/** Milliseconds. */
export interface IdleTimes {
  /** A connection that was never answered. */
  readonly fresh: number;
  /** One that was. */
  readonly kept: number;
}

/** The HTTP/1.1 connections of one listener. Calls cost nothing here: connections are looked at now and then. */
export class IdleConnections {
  readonly #times: IdleTimes;
  readonly #isAnswering: (socket: Socket) => boolean;
  readonly #seen = new Map<Socket, Seen>();

  constructor(times: IdleTimes, isAnswering: (socket: Socket) => boolean) {
    this.#times = times;
    this.#isAnswering = isAnswering;
  }

  /** Watches a connection until it is closed. */
  watch(socket: Socket, now: number): void {
    this.#seen.set(socket, { written: 0, since: now });
    socket.once('close', () => this.forget(socket));
  }

  /** The connection speaks another protocol from now on. */
  forget(socket: Socket): void {
    this.#seen.delete(socket);
  }

  /** Ends those that were not answered for too long and have no call under way. `now` in milliseconds, of a clock that does not go back. */
  sweep(now: number): void {
    for (const [socket, seen] of this.#seen) {
      const written = socket.bytesWritten;
      if (written !== seen.written || this.#isAnswering(socket)) {
        seen.written = written;
        seen.since = now;
      } else if (now - seen.since > (written === 0 ? this.#times.fresh : this.#times.kept)) socket.destroy();
    }
  }
}
