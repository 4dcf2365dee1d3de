/** The least of HTTP/1.1 that a bench's own ends need: where a message ends (RFC 9112 §6). One message at a time. */

const HEAD_END = Buffer.from('\r\n\r\n');
// An event or a JSON document holds no CRLF, so this stands at the end of a chunked body and nowhere else in ours.
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** Returns a sink for the bytes of one connection; `whole` gets each message, head and body, when its last byte is there. */
export function readMessage(whole: (message: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  /** Bytes of the message; -1 while unknown, infinite when it is chunked. */
  let length = -1;
  return (chunk) => {
    parts.push(chunk);
    held += chunk.length;
    if (length === -1) length = lengthOf(joined(parts));
    const ended = length === Infinity ? endsWith(parts, LAST_CHUNK) : length !== -1 && held >= length;
    if (!ended) return;
    const message = joined(parts);
    parts = [];
    held = 0;
    length = -1;
    whole(message);
  };
}

const joined = (parts: readonly Buffer[]): Buffer =>
  parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts);

/** Returns how long a message is that begins like this: -1 when its head is not complete, infinite when it is chunked. */
function lengthOf(bytes: Buffer): number {
  const end = bytes.indexOf(HEAD_END);
  if (end === -1) return -1;
  const head = bytes.toString('latin1', 0, end + 2);
  const declared = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
  if (declared !== undefined) return end + 4 + Number(declared);
  return /\r\ntransfer-encoding: *chunked\r\n/i.test(head) ? Infinity : end + 4;
}

function endsWith(parts: Buffer[], tail: Buffer): boolean {
  const last = parts.at(-1) ?? NOTHING;
  if (last.length >= tail.length) return last.subarray(last.length - tail.length).equals(tail);
  // A short last piece: look across the cut.
  return Buffer.concat(parts.slice(-tail.length)).subarray(-tail.length).equals(tail);
}

/** Returns the status of a message that is an answer. */
export const statusOf = (message: Buffer): number => Number(message.toString('latin1', 9, 12));

/** Returns the body of a message, its chunked framing taken off. */
export function bodyOf(message: Buffer): string {
  const end = message.indexOf(HEAD_END);
  const body = message.subarray(end + 4);
  if (lengthOf(message) !== Infinity) return body.toString();
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, line), 16);
    if (!(size > 0)) break;
    parts.push(body.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  return Buffer.concat(parts).toString();
}
