import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, dispatched, singleBytes } from '../../../test/kit/event-stream.ts';
import { Failure } from '../../reasons.ts';
import { readEvent, renderEvent, rewriteEvent, SseSplitter } from './sse.ts';

const split = (chunks: readonly Buffer[], limit = 1_000_000): { frames: string[]; rest: string } => {
  const splitter = new SseSplitter(limit);
  const frames = chunks.flatMap((chunk) => splitter.push(chunk).map((frame) => frame.toString('latin1')));
  return { frames, rest: splitter.end().toString('latin1') };
};

const stream = fc
  .array(
    fc.oneof(
      fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r', '\n\r\n', '\r\n\n'),
      fc.constantFrom(
        'data: x',
        'data:é🙂',
        'data',
        'data:',
        ':comment',
        'event: ping',
        'id: 7',
        'retry: 10',
        'other: y',
      ),
      fc.constantFrom('data: {"a":1}', 'event:\u2028', 'da', ' data: z', 'data:  two'),
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''));

describe('splitting an event stream', () => {
  it('ends a frame at a blank line, whatever the line endings', () => {
    expect(split([Buffer.from('data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d')])).toEqual({
      frames: ['data: a\n\n', 'data: b\r\n\r\n', 'data: c\r\r'],
      rest: 'data: d',
    });
  });

  it('takes a CR and the LF of the next chunk for one line ending', () => {
    expect(split([Buffer.from('data: a\r'), Buffer.from('\n\r'), Buffer.from('\ndata: b\n\n')])).toEqual({
      frames: ['data: a\r\n\r', '\ndata: b\n\n'],
      rest: '',
    });
  });

  it('does not wait for the chunk behind a CR that ends a frame', () => {
    expect(new SseSplitter(100).push(Buffer.from('data: a\r\r'))).toHaveLength(1);
  });

  it('reads the same events for every cut of the bytes, and loses no byte', () => {
    let withEvents = 0;
    fc.assert(
      fc.property(stream, fc.boolean(), fc.array(fc.nat(), { maxLength: 6 }), fc.boolean(), (text, bom, at, single) => {
        const whole = bom ? `\ufeff${text}` : text;
        const bytes = Buffer.from(whole);
        const { frames, rest } = split(single ? singleBytes(bytes) : cutAt(bytes, at));
        expect(frames.join('') + rest).toBe(bytes.toString('latin1'));
        const events = frames
          .map((frame, i) => readEvent(Buffer.from(frame, 'latin1').toString(), i === 0))
          .filter((event) => event.data !== null)
          .map(({ event, data }) => ({ event, data }));
        expect(events).toEqual(dispatched(whole));
        if (events.length > 0) withEvents++;
      }),
      { numRuns: 3000 },
    );
    expect(withEvents).toBeGreaterThan(500);
  });

  it('refuses a frame over the limit, in one chunk or in many', () => {
    const long = Buffer.from(`data: ${'x'.repeat(200)}\n\n`);
    for (const chunks of [[long], singleBytes(long), [long.subarray(0, 150)]]) {
      expect(() => split(chunks, 100)).toThrow(Failure);
    }
    expect(split([long, long, long], long.length).frames).toHaveLength(3);
  });
});

const sameLine = (line: string): string => line;

describe('rewriting an event', () => {
  it('leaves an event alone when neither data nor lines change', () => {
    const text = '\ufeffid: 1\r\ndata: a\r\n: note\r\n\r\n';
    const event = readEvent(text, true);
    expect(event).toMatchObject({ event: '', data: 'a' });
    expect(rewriteEvent(event, 'a', sameLine)).toBe(text);
  });

  it('puts new data where the first data line was', () => {
    const event = readEvent('event: e\ndata:one\n: note\ndata: two\nid: 3\n\n', false);
    expect(event.data).toBe('one\ntwo');
    expect(rewriteEvent(event, 'new', sameLine)).toBe('event: e\ndata:new\n: note\nid: 3\n\n');
    expect(rewriteEvent(event, 'n\nm', sameLine)).toBe('event: e\ndata:n\ndata:m\n: note\nid: 3\n\n');
  });

  it('changes comments and fields line by line', () => {
    const event = readEvent(': bob\nid: bob\ndata: bob\n\n', false);
    expect(rewriteEvent(event, 'bob', (line) => line.replace('bob', 'X'))).toBe(': X\nid: X\ndata: bob\n\n');
  });

  it('says what it was told after every rewriting', () => {
    fc.assert(
      fc.property(stream, fc.constantFrom('x', '{"a":\n1}', ''), (text, data) => {
        const splitter = new SseSplitter(1_000_000);
        for (const frame of splitter.push(Buffer.from(`${text}\n\n`))) {
          const event = readEvent(frame.toString(), false);
          if (event.data === null) continue;
          const again = readEvent(rewriteEvent(event, data, sameLine), false);
          expect(again).toMatchObject({ event: event.event, data });
          expect(again.lines.filter((line) => line.field !== 'data').length).toBe(
            event.lines.filter((line) => line.field !== 'data').length,
          );
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('renders an event that reads as it was meant', () => {
    expect(renderEvent('', '{}')).toBe('data: {}\n\n');
    expect(readEvent(renderEvent('e', 'a\nb'), false)).toMatchObject({ event: 'e', data: 'a\nb' });
  });
});
