import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, singleBytes, spell } from '../../../test/kit/event-stream.ts';
import { awsMessage, type FramedEvent, kitOf } from '../../../test/kit/framed-events.ts';
import { reasonOf } from '../../../test/kit/masked-answer.ts';
import { eventstream } from './eventstream.ts';
import type { Frame, Framing } from './framing.ts';
import { jsonArray } from './json-array.ts';
import { ndjson } from './ndjson.ts';
import { sse } from './sse.ts';

const FRAMINGS = [sse, ndjson, jsonArray, eventstream] as const;

const cut = (framing: Framing, chunks: readonly Buffer[], limit = 1_000_000): Buffer[] => {
  const splitter = framing.splitter(limit);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), splitter.end()];
};

const readAll = (framing: Framing, frames: readonly Buffer[]): Frame[] =>
  frames
    .filter((frame) => frame.length > 0)
    .map((frame, i) => framing.read(frame, framing.isText ? frame.toString() : '', i === 0));

const values = fc.oneof(
  fc.constantFrom('plain', 'q"u\\o[t]e{d}', ',', ']\n[', '🙂é\u2028', ''),
  fc.string({ maxLength: 6 }),
  fc.integer(),
  fc.constant([{ a: [] }, {}]),
);
const events: fc.Arbitrary<FramedEvent[]> = fc.array(
  fc.record({
    event: fc.constantFrom('a', 'delta'),
    data: fc
      .tuple(fc.dictionary(fc.string({ maxLength: 4 }), values, { maxKeys: 3 }), fc.constantFrom('compact', 'spaced'))
      .map(([value, json]) => spell(value, { json })),
  }),
  { maxLength: 5 },
);

describe.each(FRAMINGS)('the framing $name', (framing) => {
  const kit = kitOf(framing);
  const named = (event: string): string => (kit.named ? event : '');

  it('reads the same events for every cut of the bytes, and loses no byte', () => {
    fc.assert(
      fc.property(events, fc.array(fc.nat(), { maxLength: 6 }), fc.boolean(), (sent, at, single) => {
        const bytes = kit.write(sent);
        const frames = cut(framing, single ? singleBytes(bytes) : cutAt(bytes, at));
        expect(Buffer.concat(frames)).toEqual(bytes);
        const read = readAll(framing, frames).filter(({ data }) => data !== null);
        expect(read.map(({ event, data }) => ({ event, data }))).toEqual(
          sent.map(({ event, data }) => ({ event: named(event), data })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('hands a frame out with its last byte', () => {
    const bytes = kit.write([{ event: 'a', data: '{"a":"}"}' }]);
    const splitter = framing.splitter(1000);
    const ends = singleBytes(bytes).flatMap((byte, i) => splitter.push(byte).map(() => i + 1));
    // The rest of an array is its closing bracket.
    expect(ends[0]).toBe(framing.name === 'json-array' ? bytes.lastIndexOf('}') + 1 : bytes.length);
  });

  it('hands back the very bytes when nothing changes, and what was put in when something does', () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.constantFrom('{"new":"<\\"X\\">"}', '{}'), (sent, pick, data) => {
        const frames = cut(framing, [kit.write(sent)]).filter((frame) => frame.length > 0);
        const same = (text: string): string => text;
        const read = readAll(framing, frames);
        read.forEach((frame, i) => expect(frame.rewrite(frame.data, same)).toBe(frames[i]));
        const at = sent.length === 0 ? 0 : pick % sent.length;
        const changed = read.map((frame, i) =>
          frame.rewrite(i === at && frame.data !== null ? data : frame.data, same),
        );
        const want = sent.map((event, i) => ({
          event: named(event.event),
          data: i === at ? data : JSON.stringify(JSON.parse(event.data)),
        }));
        const got = kit.read(Buffer.concat(changed));
        expect(got.map((event) => ({ ...event, data: JSON.stringify(JSON.parse(event.data)) }))).toEqual(want);
      }),
      { numRuns: 300 },
    );
  });

  it('renders an event that stands between two others', () => {
    const [first = Buffer.alloc(0), ...rest] = cut(framing, [
      kit.write([
        { event: 'a', data: '{"n":1}' },
        { event: 'a', data: '{"n":3}' },
      ]),
    ]);
    const all = Buffer.concat([first, framing.render('b', '{"n":2}'), ...rest]);
    expect(kit.read(all).map(({ data }) => data)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
    expect(kit.read(all)[1]?.event).toBe(named('b'));
  });

  it('refuses a frame over the limit, in one chunk or in many', () => {
    const bytes = kit.write([{ event: 'a', data: `{"a":"${'x'.repeat(300)}"}` }]);
    for (const chunks of [[bytes], singleBytes(bytes), [bytes.subarray(0, 260)]])
      expect(reasonOf(() => cut(framing, chunks, 200))).toBe('answer-unreadable');
  });

  it('sees that a frame may hold an event', () => {
    const [frame = Buffer.alloc(0)] = cut(framing, [kit.write([{ event: 'a', data: '{"a":1}' }])]);
    expect(framing.mayHoldEvent(frame)).toBe(true);
  });
});

const unreadable = (framing: Framing, bytes: Buffer | string): string | null =>
  reasonOf(() => readAll(framing, cut(framing, [Buffer.from(bytes)])));

describe('an array that is sent item by item', () => {
  it('says that nothing follows its closing bracket, or a document that is no array', () => {
    const last = (text: string): boolean[] =>
      readAll(jsonArray, cut(jsonArray, [Buffer.from(text)])).map((f) => f.last);
    expect(last('[{"a":1},{"a":2}]')).toEqual([false, false, true]);
    expect(last('[]')).toEqual([true]);
    expect(last('{"error":{}}\n')).toEqual([true, false]);
  });

  it.each([
    '[1]',
    '["a"]',
    '[{}{}]',
    '[{},,{}]',
    '[,{}]',
    '[{},]',
    '[{}] x',
    '[{}][',
    '[[{}]]',
    '{} {}',
    ']',
    'x',
    '\ufeff[{}]',
  ])('refuses %s', (text) => {
    expect(unreadable(jsonArray, text)).toBe('answer-unreadable');
  });
});

describe('an AWS event stream', () => {
  const headers = { ':event-type': 'a', ':content-type': 'application/json', ':message-type': 'event' };
  const message = awsMessage(headers, '{"a":1}');

  it('is refused for any byte that is not what its CRCs vouch for', () => {
    for (let at = 0; at < message.length; at++) {
      const damaged = Buffer.from(message);
      damaged[at]! ^= 0x10;
      expect(unreadable(eventstream, damaged)).toBe('answer-unreadable');
    }
    for (let length = 1; length < message.length; length++)
      expect(unreadable(eventstream, message.subarray(0, length))).toBe('answer-unreadable');
    expect(unreadable(eventstream, message)).toBeNull();
  });

  it('says that nothing follows an exception, whose name is its event', () => {
    const exception = awsMessage({ ':exception-type': 'throttlingException', ':message-type': 'exception' }, '{}');
    expect(readAll(eventstream, [exception])[0]).toMatchObject({ event: 'throttlingException', last: true });
    expect(eventstream.read(eventstream.renderFailure('e', '{}'), '', false)).toMatchObject({ event: 'e', last: true });
  });

  it('masks what headers say, but for the words of the protocol', () => {
    const error = awsMessage({ ':message-type': 'error', ':error-code': 'x', ':error-message': 'to bob' }, '');
    const [frame] = readAll(eventstream, [error]);
    const [again] = readAll(eventstream, [frame!.rewrite(null, (text) => text.replaceAll('bob', 'X').toUpperCase())]);
    expect(again).toMatchObject({ event: 'X', data: null });
    const rewritten = frame!.rewrite(null, (text) => text.replace('bob', 'X'));
    expect(rewritten).toEqual(
      awsMessage({ ':message-type': 'error', ':error-code': 'x', ':error-message': 'to X' }, ''),
    );
  });

  it('refuses a header twice, one that is cut off, and a payload that is not UTF-8', () => {
    const flag = Buffer.from([1, 0x61, 0]);
    expect(unreadable(eventstream, awsMessage(flag, '{}'))).toBeNull();
    for (const bad of [Buffer.concat([flag, flag]), Buffer.from([1, 0x61, 4, 0, 0]), Buffer.from([1, 0x61, 7, 0])])
      expect(unreadable(eventstream, awsMessage(bad, '{}'))).toBe('answer-unreadable');
    expect(unreadable(eventstream, awsMessage(headers, Buffer.from([0xff])))).toBe('answer-unreadable');
  });

  it('keeps headers of every type', () => {
    const typed = Buffer.concat([
      ...[0, 1].map((type) => Buffer.from([1, 0x61 + type, type])),
      Buffer.from([1, 0x63, 2, 9]),
      Buffer.from([1, 0x64, 3, 1, 2]),
      Buffer.from([1, 0x65, 4, 1, 2, 3, 4]),
      Buffer.from([1, 0x66, 5, 1, 2, 3, 4, 5, 6, 7, 8]),
      Buffer.from([1, 0x67, 6, 0, 2, 0xff, 0xfe]),
      Buffer.from([1, 0x68, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
      Buffer.from([1, 0x69, 9, ...Array.from({ length: 16 }, (_, i) => i)]),
    ]);
    const whole = awsMessage(typed, '{"a":1}');
    const [frame] = readAll(eventstream, [whole]);
    expect(frame!.rewrite('{"b":2}', (text) => text)).toEqual(awsMessage(typed, '{"b":2}'));
  });
});
