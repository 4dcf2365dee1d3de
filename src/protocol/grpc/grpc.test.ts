import { describe, expect, it } from 'vitest';
import { frameOf, FrameSplitter, LONGEST_MESSAGE, messageOf } from './grpc.ts';

const limits = { longest: 1000, tooLong: 'body-too-large', malformed: 'body-unreadable' } as const;
const compressed = (message: string): Buffer => {
  const frame = frameOf(Buffer.from(message));
  frame[0] = 1;
  return frame;
};
const FRAMES = [
  frameOf(Buffer.from('hello')),
  frameOf(Buffer.alloc(0)),
  compressed('x'),
  frameOf(Buffer.alloc(300, 7)),
];
const WIRE = Buffer.concat(FRAMES);

describe('FrameSplitter', () => {
  it('finds the same frames wherever the stream is cut', () => {
    for (let first = 0; first <= WIRE.length; first++) {
      for (const second of [first, first + 1, first + 4, first + 9, WIRE.length].filter((at) => at <= WIRE.length)) {
        const splitter = new FrameSplitter(limits);
        const pieces = [WIRE.subarray(0, first), WIRE.subarray(first, second), WIRE.subarray(second)];
        const frames = pieces.flatMap((piece) => splitter.push(piece));
        splitter.end();
        expect(Buffer.concat(frames.map(({ bytes }) => bytes)).equals(WIRE)).toBe(true);
        expect(frames.map(({ bytes }) => bytes.length)).toEqual(FRAMES.map(({ length }) => length));
        expect(frames.map((frame) => frame.compressed)).toEqual([false, false, true, false]);
      }
    }
  });

  it('finds the same frames byte by byte, and never holds more than one', () => {
    const splitter = new FrameSplitter(limits);
    const frames = [...WIRE].flatMap((byte) => {
      const found = splitter.push(Buffer.from([byte]));
      expect(splitter.held).toBeLessThan(305);
      return found;
    });
    expect(frames.map((frame) => messageOf(frame).length)).toEqual([5, 0, 1, 300]);
    expect(splitter.held).toBe(0);
  });

  it('refuses a message that is too long as soon as its length is known', () => {
    const prefix = Buffer.from([0, 0, 0, 0x03, 0xe9]);
    for (let cut = 0; cut < prefix.length; cut++) {
      const splitter = new FrameSplitter(limits);
      splitter.push(prefix.subarray(0, cut));
      expect(() => splitter.push(prefix.subarray(cut))).toThrow('at most 1000 bytes');
    }
    const longest = new FrameSplitter({ ...limits, longest: LONGEST_MESSAGE });
    expect(longest.push(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]))).toEqual([]);
    expect(() =>
      new FrameSplitter({ ...limits, longest: LONGEST_MESSAGE }).push(Buffer.from([0, 0x80, 0, 0, 0])),
    ).toThrow();
  });

  it.each([2, 3, 0x16, 0x80, 0xff])('refuses a flag of %i', (flag) => {
    expect(() => new FrameSplitter(limits).push(Buffer.from([flag, 0, 0, 0, 0]))).toThrow('compressed-flag');
  });

  it('refuses a stream that ends within a frame', () => {
    for (const cut of [1, 4, 5, 9, WIRE.length - 1]) {
      const splitter = new FrameSplitter(limits);
      splitter.push(WIRE.subarray(0, cut));
      expect(() => splitter.end()).toThrow('whole message');
    }
    new FrameSplitter(limits).end();
  });
});
