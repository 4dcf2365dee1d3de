/**
 * Passes over `100 Continue` heads that an upstream sends unasked (RFC 9110 §15.2: a client must be able to): we never
 * expect one, and undici takes one for a broken answer and ends the connection.
 */

import type { Socket } from 'node:net';

/** The longest interim head that is looked through; undici judges what is longer. */
const LONGEST = 16 * 1024;
/** `HTTP/1.1 1xx` and what follows the status, as far as it tells one head from another. */
const INTERIM = /^HTTP\/1\.[01] 1\d\d[ \r]/;
const CONTINUE = /^HTTP\/1\.[01] 100[ \r]/;
const TELLING = 'HTTP/1.1 100 '.length;
const STATUS_AT = 'HTTP/1.1 '.length;
const DIGIT_ONE = 0x31;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Takes `100 Continue` heads out of what `socket` reads. A head can only stand where an answer begins: behind what was
 * written last. Whoever writes to the socket must not write again before the answer to it is complete, and must write
 * a whole request in one turn of the loop; undici does, without pipelining and with bodies in memory.
 */
export function passOverContinues(socket: Pick<Socket, 'push' | 'write'>): void {
  const heads = new InterimHeads();
  const { push, write } = socket;
  socket.write = (...args: unknown[]): boolean => {
    heads.expecting = true;
    return Reflect.apply(write, socket, args);
  };
  socket.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk !== null && !heads.expecting) return push.call(socket, chunk, encoding);
    const rest = chunk === null ? heads.end() : heads.push(chunk);
    const more = rest.length === 0 || push.call(socket, rest, encoding);
    return chunk === null ? push.call(socket, null) : more;
  };
}

/** Reads the heads ahead of a final one. */
class InterimHeads {
  /** What comes next is a head. */
  expecting = false;
  #held: Buffer = NOTHING;

  /** Returns what goes on from here: everything but heads that say `100 Continue`, and the beginning of what may be one. */
  push(chunk: Buffer): Buffer {
    // the usual answer begins with its final head: no 1 at the first place of its status
    if (this.#held.length === 0 && chunk.length >= TELLING && chunk[STATUS_AT] !== DIGIT_ONE) {
      this.expecting = false;
      return chunk;
    }
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    const passed: Buffer[] = [];
    while (bytes.length >= TELLING) {
      const start = bytes.toString('latin1', 0, TELLING);
      const end = bytes.subarray(0, LONGEST).indexOf(HEAD_END);
      if (end === -1 && INTERIM.test(start) && bytes.length < LONGEST) break;
      if (end === -1 || !INTERIM.test(start)) {
        this.expecting = false;
        break;
      }
      const next = end + HEAD_END.length;
      if (!CONTINUE.test(start)) passed.push(bytes.subarray(0, next));
      bytes = bytes.subarray(next);
    }
    if (this.expecting) this.#held = bytes;
    else passed.push(bytes);
    const [first] = passed;
    return passed.length === 1 && first !== undefined ? first : Buffer.concat(passed);
  }

  end(): Buffer {
    const rest = this.#held;
    this.#held = NOTHING;
    return rest;
  }
}

const NOTHING = Buffer.alloc(0);
