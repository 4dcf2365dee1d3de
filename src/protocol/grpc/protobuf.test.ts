import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { deskDescriptors, loadProto, messageKit } from '../../../test/kit/proto.ts';
import { codecOfFile } from './descriptors.ts';
import { lengthField, varint } from './protobuf.ts';
import type { GrpcMethod } from './codec.ts';

const definitions = loadProto('desk');
const letter = messageKit(definitions, 'desk.v1.Letter');
const codec = codecOfFile(deskDescriptors());
const method = (name: string): GrpcMethod => {
  const found = codec.method(`/desk.v1.Desk/${name}`);
  if (found === null) throw new Error(`no method ${name}`);
  return found;
};
const ask = method('Ask');

const full = {
  model: 'm-1',
  text: 'hello anna',
  lines: ['one anna', '', 'two'],
  blob: Buffer.from('anna in bytes'),
  tags: { anna: 'v anna', k: '' },
  answers: { 7: { text: 'deep anna' } },
  inner: { inner: { inner: { lines: ['deeper anna'] } } },
  parts: [{ text: 'p1' }, { text: 'p2 anna', numbers: ['1', '-2', '9007199254740993'] }],
  max_tokens: 123,
  numbers: ['5', '-1'],
  weight: 1.5,
  stamp: 42,
  mood: 'CROSS',
  left: 'left anna',
  floats: [1, 2, 3],
  flag: true,
};

const toBob = (text: string): string => text.replaceAll('anna', 'bob the longer');

describe('messages that descriptors describe', () => {
  it('knows the four kinds of call', () => {
    expect(['Ask', 'Gather', 'Spread', 'Talk'].map((name) => method(name).streams)).toEqual([
      { request: false, answer: false },
      { request: true, answer: false },
      { request: false, answer: true },
      { request: true, answer: true },
    ]);
    expect(codec.method('/desk.v1.Desk/Nothing')).toBeNull();
    expect(codec.method('/grpc.health.v1.Health/Check')?.operation.name).toBe('health.check');
    expect(codec.method('/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo')?.operation.name).toBe(
      'reflection',
    );
  });

  it('finds every text, the model and the limit', () => {
    const reading = ask.request.read(letter.write(full));
    expect(reading).toMatchObject({ model: 'm-1', maxTokens: 123, files: 0 });
    expect(reading.texts.map(({ text }) => text)).toEqual([
      'hello anna',
      'one anna',
      'two',
      'anna in bytes',
      'anna',
      'v anna',
      'k',
      'deep anna',
      'deeper anna',
      'p1',
      'p2 anna',
      'left anna',
    ]);
    expect(reading.texts.find(({ text }) => text === 'p2 anna')?.path).toEqual(['parts', 1, 'text']);
  });

  it('keeps the very bytes when nothing is edited', () => {
    const bytes = letter.write(full);
    expect(ask.request.edit(bytes, (text) => text)).toBe(bytes);
  });

  it('edits every text and nothing else', () => {
    const edited = ask.request.edit(letter.write(full), toBob);
    // the keys of a map are texts too
    expect(letter.read(edited)).toEqual(
      letter.read(
        letter.write(
          JSON.parse(
            JSON.stringify({ ...full, blob: null }).replaceAll('anna', 'bob the longer'),
            (key, value: unknown) => (key === 'blob' ? Buffer.from(toBob('anna in bytes')) : value),
          ),
        ),
      ),
    );
  });

  it('agrees with the independent encoder on messages of any shape', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((part) => `${part}anna`);
    const leaf = fc.record({
      text,
      lines: fc.array(text, { maxLength: 3 }),
      numbers: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), { maxLength: 4 }),
      max_tokens: fc.integer(),
    });
    const tree = fc.record({
      text,
      inner: leaf,
      parts: fc.array(leaf, { maxLength: 3 }),
      tags: fc.dictionary(text, text, { maxKeys: 3 }),
    });
    fc.assert(
      fc.property(tree, (value) => {
        const bytes = letter.write(value);
        expect(ask.request.edit(bytes, (found) => found)).toBe(bytes);
        const edited = ask.request.edit(bytes, toBob);
        const expected: object = JSON.parse(JSON.stringify(value).replaceAll('anna', 'bob the longer'));
        expect(letter.read(edited)).toEqual(letter.read(letter.write(expected)));
      }),
      { numRuns: 200 },
    );
  });

  it('looks into fields that the descriptors do not know, and edits none of them', () => {
    const bytes = Buffer.concat([letter.write({ text: 'x' }), lengthField(99, 'hidden anna')]);
    expect(ask.request.read(bytes).texts.map(({ text }) => text)).toEqual(['x', 'hidden anna']);
    expect(ask.request.edit(bytes, (text) => text)).toBe(bytes);
    expect(() => ask.request.edit(bytes, toBob)).toThrow('unknown meaning');
  });

  it('does not let one stray byte hide a text', () => {
    const blob = Buffer.concat([Buffer.from('write to anna'), Buffer.from([0xe9])]);
    const bytes = letter.write({ blob });
    expect(ask.request.read(bytes).texts.map(({ text }) => text)).toEqual(['write to annaé']);
    const edited = letter.read(ask.request.edit(bytes, toBob));
    expect(edited).toMatchObject({ blob: Buffer.from('write to bob the longeré', 'latin1') });
  });

  it('counts data as a file', () => {
    expect(ask.request.read(letter.write({ blob: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]) }))).toMatchObject({
      files: 1,
      texts: [],
    });
  });

  const text = lengthField(2, 'a');
  it.each([
    ['a field cut off', text.subarray(0, 2)],
    ['a length beyond the message', Buffer.from([0x12, 5, 0x61])],
    ['a tag that does not end', Buffer.alloc(11, 0xff)],
    ['field number 0', Buffer.from([0x02, 0])],
    ['a group', Buffer.from([0x13, 0x14])],
    ['wire type 7', Buffer.from([0x17])],
    ['a string as a number', Buffer.from([0x10, 1])],
    ['a text twice, of which readers take either', Buffer.concat([text, text])],
    ['a text that is not UTF-8', lengthField(2, Buffer.from([0xff]))],
    ['the model twice', Buffer.concat([lengthField(1, 'a'), lengthField(1, 'b')])],
    ['messages nested without end', nest(200)],
    ['a length of 2^63', Buffer.concat([Buffer.from([0x12]), Buffer.alloc(9, 0xff), Buffer.from([1])])],
  ])('refuses %s', (_, bytes) => {
    expect(() => ask.request.read(bytes)).toThrow('expected');
    expect(() => ask.request.edit(bytes, (found) => found)).toThrow('expected');
  });

  it('takes packed and unpacked numbers alike', () => {
    expect(
      ask.request.read(Buffer.concat([varint(80), varint(7), lengthField(10, Buffer.from([1, 2]))])).texts,
    ).toEqual([]);
    expect(() => ask.request.read(lengthField(10, Buffer.from([0x80])))).toThrow('ends');
  });

  it('refuses every message that is cut short within a text', () => {
    const bytes = letter.write({ text: 'hello', lines: ['a', 'b'] });
    const ends = new Set([0, 7, 10, 13]);
    for (let cut = 1; cut < bytes.length; cut++) {
      if (ends.has(cut)) continue;
      expect(() => ask.request.read(bytes.subarray(0, cut))).toThrow('expected');
    }
  });
});

function nest(depth: number): Buffer {
  let bytes: Buffer = lengthField(2, 'x');
  for (let at = 0; at < depth; at++) bytes = lengthField(7, bytes);
  return bytes;
}
