/**
 * What masking takes away, kept inside a session's own frames and sealed once more under a key that only auditors can
 * make (original-keys.ts). It is erased with the session, because the frames are.
 *
 * Event `k` says where the key comes from; the payloads of `Q` (request) and `D` (answer) are, put together in order,
 * `u32le n | n bytes of AES-256-GCM` each: the nonce counts the pieces of the session, the additional data are session
 * and code.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { z } from 'zod';
import type { Event } from './event.ts';
import type { OriginalsPlace } from './original-keys.ts';

/** Codes of what is sealed, and what they stand for. */
const SEALED = { Q: 'q', D: 'd' } as const;
/** A code of sealed originals. */
export type SealedCode = keyof typeof SEALED;

const TAG = 16;
const LEAD = 4;
/** The most that is sealed in one piece. */
const PIECE = 32 * 1024;

const LABEL = Buffer.from('sallyport original v1\0', 'ascii');

const nonceOf = (count: number): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(count, 8);
  return nonce;
};

const aad = (sid: Buffer, code: SealedCode): Buffer => Buffer.concat([LABEL, sid, Buffer.from(code)]);

/** Seals the originals of one session. */
export class OriginalsSealer {
  readonly #key: Buffer;
  readonly #sid: Buffer;
  #count = 0;

  constructor(key: Buffer, sid: Buffer) {
    this.#key = key;
    this.#sid = sid;
  }

  /** Returns bytes as they are recorded. */
  seal(code: SealedCode, bytes: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += PIECE) {
      const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(this.#count++));
      cipher.setAAD(aad(this.#sid, code));
      const lead = Buffer.alloc(LEAD);
      const sealed = cipher.update(bytes.subarray(at, at + PIECE));
      cipher.final();
      lead.writeUInt32LE(sealed.length + TAG);
      parts.push(lead, sealed, cipher.getAuthTag());
    }
    return Buffer.concat(parts);
  }
}

const placeSchema = z.strictObject({ id: z.string(), link: z.int().min(0), n: z.int().min(0) });

/** Returns the text of event `k`. */
export const placeText = ({ id, link, n }: OriginalsPlace): string => JSON.stringify({ id, link, n });

/** Returns where the key for originals of a session comes from; null when nothing was taken away from it. */
export function placeOf(events: readonly Event[]): OriginalsPlace | null {
  const event = events.find(({ code }) => code === 'k');
  return event === undefined ? null : placeSchema.parse(JSON.parse(String(event.payload)));
}

interface Piece {
  readonly at: number;
  readonly code: SealedCode;
  readonly sealed: Buffer;
}

const isSealed = (code: Event['code']): code is SealedCode => Object.hasOwn(SEALED, code);

/** Yields the pieces in the order in which they were sealed; one that a frame cut in two begins with its first half. */
function* piecesOf(events: readonly Event[]): Generator<Piece> {
  let rest = Buffer.alloc(0);
  let at = 0;
  for (const event of events) {
    const { code, payload } = event;
    if (!isSealed(code) || !Buffer.isBuffer(payload)) continue;
    if (rest.length === 0) at = event.at;
    rest = Buffer.concat([rest, payload]);
    while (rest.length >= LEAD && rest.length >= LEAD + rest.readUInt32LE(0)) {
      const end = LEAD + rest.readUInt32LE(0);
      yield { at, code, sealed: rest.subarray(LEAD, end) };
      rest = rest.subarray(end);
      at = event.at;
    }
  }
  if (rest.length > 0) throw new Error('an original is cut off');
}

function openPiece({ code, sealed }: Piece, key: Buffer, sid: Buffer, count: number): Buffer {
  if (sealed.length < TAG) throw new Error('an original is cut off');
  const tagAt = sealed.length - TAG;
  const cipher = createDecipheriv('aes-256-gcm', key, nonceOf(count), { authTagLength: TAG });
  cipher.setAAD(aad(sid, code));
  cipher.setAuthTag(sealed.subarray(tagAt));
  const bytes = cipher.update(sealed.subarray(0, tagAt));
  cipher.final();
  return bytes;
}

/**
 * Returns the events of a session as they would be without masking: sealed originals opened, in the place of what was
 * masked of them. Throws when the key is another one or something was changed.
 */
export function withOriginals(events: readonly Event[], key: Buffer, sid: Buffer): readonly Event[] {
  const opened = [...piecesOf(events)].map((piece, count): Event => {
    return { at: piece.at, code: SEALED[piece.code], payload: openPiece(piece, key, sid, count) };
  });
  // of a connection, what came before the first message that a rule masks stands as it was said
  const masked = events.findIndex(({ code }) => code === 'D');
  const left = events.filter(({ code }, at) => {
    if (isSealed(code) || code === 'k') return false;
    return code !== 'd' || masked === -1 || at < masked;
  });
  const request = opened.filter(({ code }) => code === 'q');
  const answer = opened.filter(({ code }) => code === 'd');
  // the opening, then the request; everything else by its time
  const [opening, details, ...rest] = left;
  const head = [opening, details].filter((event) => event !== undefined);
  const end = rest.findLastIndex(({ code }) => code === 'x');
  const before = end === -1 ? rest : rest.slice(0, end);
  const timed = [...request, ...before, ...answer].toSorted((a, b) => a.at - b.at);
  return [...head, ...timed, ...(end === -1 ? [] : rest.slice(end))];
}
