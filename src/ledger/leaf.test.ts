import { describe, expect, test } from 'vitest';
import { decodeLeaf, encodeLeaf, type Leaf, type LeafBody } from './leaf.ts';
import { Malformed } from './malformed.ts';

const HASH = 'ab'.repeat(32);
const SID = '01jd8z7k3v0000000000000000';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const asText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const leaf = (body: LeafBody): Leaf => ({ v: 1, ts: 1_700_000_000_000, inst: '0123456789abcdef', iseq: 7, ...body });

const BODIES: readonly LeafBody[] = [
  { type: 'gateway.start' },
  { type: 'gateway.stop' },
  { type: 'config', hash: HASH },
  { type: 'key.page', ct: HASH },
  { type: 'journal.close', file: '0123456789abcdef-w1-0.spj', bytes: 67_108_864, torn: 0, ct: HASH },
  { type: 'session.start', sid: SID, subj: HASH, service: 'llm', policy: HASH, decision: 'allow', ct: HASH, kc: HASH },
  {
    type: 'session.end',
    sid: SID,
    reason: 'completed',
    ended: 'ok',
    frames: 2,
    total: 900,
    cts: [HASH, HASH],
    f: [1, 2],
  },
  { type: 'session.end', sid: SID, reason: 'completed', ended: 'ok', frames: 99, total: 900, ctr: HASH, f: [] },
  { type: 'session.recovered', sid: SID, frames: 1, total: 20, cts: [HASH] },
  { type: 'refused', ct: HASH, src: HASH, reason: 'no-token', count: 3, from: 1, to: 2 },
  {
    type: 'approval.requested',
    approval: 'a1',
    subj: HASH,
    service: 'llm',
    rule: 'big',
    digest: HASH,
    quorum: 2,
    expires: 9,
  },
  { type: 'approval.voted', approval: 'a1', voter: HASH, digest: HASH, decision: 'approve' },
  { type: 'approval.approved', approval: 'a1', digest: HASH },
  { type: 'approval.denied', approval: 'a1' },
  { type: 'approval.expired', approval: 'a1' },
  { type: 'approval.cancelled', approval: 'a1' },
  { type: 'approval.superseded', approval: 'a1' },
  { type: 'approval.revoked', approval: 'a1', voter: HASH },
  { type: 'approval.consumed', approval: 'a1', digest: HASH, sid: SID },
];

/** What code without types could hand over. */
const untyped = (members: object): Leaf => JSON.parse(JSON.stringify(members));

describe('a leaf', () => {
  test.each(BODIES.map((body) => [body.type, body] as const))('%s reads back', (_, body) => {
    expect(decodeLeaf(encodeLeaf(leaf(body)))).toEqual({ kind: 'known', leaf: leaf(body) });
  });

  test('is canonical JSON', () => {
    expect(asText(encodeLeaf(leaf({ type: 'config', hash: HASH })))).toBe(
      `{"hash":"${HASH}","inst":"0123456789abcdef","iseq":7,"ts":1700000000000,"type":"config","v":1}`,
    );
  });

  test.each(BODIES.map((body) => [body.type, body] as const))('%s has every one of its members', (_, body) => {
    const whole = leaf(body);
    for (const name of Object.keys(whole)) {
      const { [name]: _without, ...rest }: Record<string, unknown> = { ...whole };
      expect(() => encodeLeaf(untyped(rest)), `without ${name}`).toThrow(Malformed);
    }
  });

  test('has no member that its type does not know', () => {
    expect(() => encodeLeaf(untyped({ ...leaf({ type: 'gateway.stop' }), name: 'Alice' }))).toThrow(
      '"name" is no member of gateway.stop',
    );
    const proto = '{"__proto__":1,"inst":"0123456789abcdef","iseq":0,"ts":0,"type":"gateway.stop","v":1}';
    expect(() => decodeLeaf(utf8(proto))).toThrow('"__proto__" is no member');
  });

  test('commits to its frames one by one or all together, never both', () => {
    const recovered = { ...leaf({ type: 'session.recovered', sid: SID, frames: 1, total: 1, cts: [HASH] }), ctr: HASH };
    expect(() => encodeLeaf(recovered)).toThrow('cts or ctr');
  });

  test.each<[string, object]>([
    ['version', { v: 2 }],
    ['time', { ts: -1 }],
    ['time', { ts: 1.5 }],
    ['instance', { inst: 'Not an instance' }],
    ['sequence', { iseq: '7' }],
    ['hash', { hash: HASH.toUpperCase() }],
    ['hash', { hash: HASH.slice(1) }],
  ])('with another %s is refused: %j', (_, change) => {
    expect(() => encodeLeaf(untyped({ ...leaf({ type: 'config', hash: HASH }), ...change }))).toThrow(Malformed);
  });

  test.each<[string, object]>([
    ['session id', { sid: '01JD8Z7K3V0000000000000000' }],
    ['word', { reason: 'Not a word' }],
    ['ending', { ended: 'well' }],
    ['list', { cts: HASH }],
    ['list', { cts: Array.from({ length: 65 }, () => HASH) }],
    ['list', { f: [1, 'two'] }],
  ])('of an end with another %s is refused', (_, change) => {
    const end: LeafBody = {
      type: 'session.end',
      sid: SID,
      reason: 'completed',
      ended: 'ok',
      frames: 1,
      total: 1,
      cts: [HASH],
      f: [],
    };
    expect(() => encodeLeaf(untyped({ ...leaf(end), ...change }))).toThrow(Malformed);
  });

  test('holds no longer text than 256 characters', () => {
    expect(() => encodeLeaf(leaf({ type: 'approval.denied', approval: 'x'.repeat(256) }))).not.toThrow();
    expect(() => encodeLeaf(leaf({ type: 'approval.denied', approval: 'x'.repeat(257) }))).toThrow(Malformed);
  });

  test('of a type that is not known reads as such, and is never written', () => {
    const bytes = utf8('{"inst":"0123456789abcdef","iseq":3,"new":{},"ts":5,"type":"later.type","v":1}');
    expect(decodeLeaf(bytes)).toMatchObject({ kind: 'unknown', type: 'later.type', leaf: { iseq: 3 } });
    expect(() => encodeLeaf(JSON.parse(asText(bytes)))).toThrow('a type that there is not');
  });

  test.each(['toString', 'constructor', '__proto__'])('of the type %s is not known', (type) => {
    const bytes = utf8(`{"inst":"0123456789abcdef","iseq":3,"ts":5,"type":"${type}","v":1}`);
    expect(decodeLeaf(bytes).kind).toBe('unknown');
  });

  test.each(['null', '[]', '"leaf"', '1', '{}', '{"v":1}'])('is not %s', (text) => {
    expect(() => decodeLeaf(utf8(text))).toThrow(Malformed);
  });

  test.each(['null', '"leaf"', '1'])('is an object, not %s', (text) => {
    expect(() => decodeLeaf(utf8(text))).toThrow('a leaf that is not a JSON object');
  });

  test('without a type is refused', () => {
    expect(() => decodeLeaf(utf8('{"inst":"0123456789abcdef","iseq":3,"ts":5,"v":1}'))).toThrow('without a type');
  });
});
