import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  COMPRESS_FROM,
  decryptFrame,
  FRAME,
  type FrameKind,
  FRAME_OVERHEAD,
  MAX_FRAME,
  readFrame,
  writeFrame,
  writePageFrame,
} from './frame.ts';
import { newPage, slotKey } from './keys.ts';

const keys = slotKey(newPage({ instance: '0123456789abcdef', worker: 0, page: 3 }), 9);
const sid = randomBytes(16);

const frameBytes = (kind: FrameKind, seq: number, plaintext: Buffer): Buffer => {
  const bytes = Buffer.alloc(plaintext.length + FRAME_OVERHEAD);
  return bytes.subarray(0, writeFrame(bytes, 0, { kind, sid, seq, page: 3, slot: 9 }, keys, plaintext));
};

const whole = (bytes: Buffer, at = 0) => {
  const frame = readFrame(bytes, at);
  if (typeof frame === 'string') throw new Error(`expected a frame, found ${frame}`);
  return frame;
};

describe('a frame', () => {
  it.each([
    [FRAME.opening, 0, 3, 9],
    [FRAME.data, 1, 0, 0],
    [FRAME.closing, 2 ** 32 - 1, 0, 0],
    [FRAME.refusals, 4, 3, 9],
  ])('of kind %i reads back with its name and its plaintext', (kind, seq, page, slot) => {
    const plaintext = randomBytes(1_000);
    const frame = whole(Buffer.concat([Buffer.from('before'), frameBytes(kind, seq, plaintext)]), 6);
    expect(frame).toMatchObject({ kind, sid, seq, page, slot, start: 6 });
    expect(decryptFrame(frame, keys)).toEqual(plaintext);
  });

  it('that is empty is a frame too', () => {
    expect(decryptFrame(whole(frameBytes(FRAME.data, 1, Buffer.alloc(0))), keys)).toEqual(Buffer.alloc(0));
  });

  it('is compressed when it is long and that makes it shorter, and reads back all the same', () => {
    const text = Buffer.from('data: {"delta":"the same again"}\n\n'.repeat(2_000));
    const long = frameBytes(FRAME.data, 7, text);
    expect(long.length).toBeLessThan(text.length / 10);
    expect(whole(long)).toMatchObject({ kind: FRAME.data, seq: 7 });
    expect(decryptFrame(whole(long), keys)).toEqual(text);
    const opening = frameBytes(FRAME.opening, 0, text);
    expect(whole(opening)).toMatchObject({ kind: FRAME.opening, page: 3, slot: 9 });
    expect(decryptFrame(whole(opening), keys)).toEqual(text);
    for (const plaintext of [text.subarray(0, COMPRESS_FROM - 1), randomBytes(100_000)]) {
      const frame = frameBytes(FRAME.data, 8, plaintext);
      expect(frame.length).toBeGreaterThan(plaintext.length);
      expect(decryptFrame(whole(frame), keys)).toEqual(plaintext);
    }
  });

  it('opens under no key when the mark of compression is taken away', () => {
    const bytes = frameBytes(FRAME.data, 7, Buffer.alloc(20_000));
    const { start } = whole(bytes);
    bytes[start + 8] = (bytes[start + 8] ?? 0) & 0x7f;
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
    expect(() => decryptFrame(whole(bytes), keys)).toThrow();
  });

  it('carries a sealed page as it is', () => {
    const bytes = Buffer.alloc(MAX_FRAME);
    const end = writePageFrame(bytes, 0, 3, Buffer.from('sealed'));
    expect(() => whole(bytes.subarray(0, end))).toThrow('torn');
    const sealed = randomBytes(5_704);
    const frame = whole(bytes.subarray(0, writePageFrame(bytes, 0, 3, sealed)));
    expect(frame).toMatchObject({ kind: FRAME.page, seq: 3 });
    expect(frame.bytes.subarray(21)).toEqual(sealed);
  });

  it('cut anywhere is cut, and changed anywhere is torn, or cut where its length was', () => {
    const bytes = frameBytes(FRAME.opening, 0, randomBytes(100));
    for (let length = 0; length < bytes.length; length++) expect(readFrame(bytes.subarray(0, length), 0)).toBe('cut');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(['torn', 'cut']).toContain(readFrame(changed, 0));
    }
  });

  it('is torn where there are zeros, though their CRC is right, or a length that no frame has', () => {
    expect(readFrame(Buffer.alloc(100), 0)).toBe('torn');
    const long = Buffer.alloc(100);
    long.writeUInt32LE(MAX_FRAME, 0);
    expect(readFrame(long, 0)).toBe('torn');
  });

  it.each([
    ['another session', 9],
    ['another place in the session', 25],
    ['another page', 29],
    ['another slot', 33],
  ])('does not open as one of %s', async (_, at) => {
    const { crc32 } = await import('node:zlib');
    const bytes = frameBytes(FRAME.opening, 0, randomBytes(100));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
    expect(() => decryptFrame(whole(bytes), keys)).toThrow();
  });

  it('has a nonce of its own: two frames of one text have nothing in common', () => {
    const text = Buffer.alloc(64);
    const [one, two] = [whole(frameBytes(FRAME.data, 1, text)), whole(frameBytes(FRAME.data, 2, text))];
    expect(one.bytes.subarray(21, 85)).not.toEqual(two.bytes.subarray(21, 85));
  });
});
