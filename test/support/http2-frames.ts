/**
 * A client that writes HTTP/2 frames by hand (RFC 9113 §4, RFC 7541 §6.2.2), so that it can say what no library would
 * let it say.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Frame types (RFC 9113 §6). */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

/** Flags. */
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** One frame as it arrived. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Name and value, whatever they are. */
export type Field = readonly [name: string, value: string];

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Returns the bytes of a frame. */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

// RFC 7541 §5.1, seven bits
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const string = (text: string): readonly Buffer[] => {
  const bytes = Buffer.from(text, 'latin1');
  return [integer(bytes.length), bytes];
};

/** Returns a header block of literals that no table keeps; whatever the names and values are. */
export const block = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), ...string(name), ...string(value)]));

/** Returns four bytes for RST_STREAM and WINDOW_UPDATE. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A connection on which frames are written by hand. */
export interface FrameConnection {
  readonly socket: Socket;
  /** Every frame that has arrived. */
  readonly frames: readonly Frame[];
  readonly closed: () => boolean;
  send(...frames: readonly Buffer[]): void;
  /** Resolves to the first frame for which this holds; rejects when none comes within a second or the connection ends. */
  until(holds: (frame: Frame) => boolean): Promise<Frame>;
  close(): void;
}

/** Resolves to a connection that has sent the preface and `settings`, by default empty ones. */
export async function openFrames(url: string, settings: Buffer = frame(SETTINGS, 0, 0)): Promise<FrameConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const frames: Frame[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let closed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      frames.push({
        type: rest[3] ?? 0,
        flags: rest[4] ?? 0,
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      });
      rest = rest.subarray(end);
    }
  });
  socket.write(Buffer.concat([PREFACE, settings]));
  return {
    socket,
    frames,
    closed: () => closed,
    send: (...list) => void socket.write(Buffer.concat(list)),
    async until(holds) {
      for (let waited = 0; waited < 2_000; waited += 5) {
        const found = frames.find(holds);
        if (found !== undefined) return found;
        if (closed) break;
        await sleep(5);
      }
      const seen = frames.map(({ type, flags, stream }) => `${type}/${flags}/${stream}`).join(' ');
      throw new Error(`expected a frame that did not come; ${closed ? 'closed; ' : ''}seen: ${seen}`);
    },
    close: () => void socket.destroy(),
  };
}
