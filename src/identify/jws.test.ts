import { describe, expect, test } from 'vitest';
import { readBase64url, readJws } from './jws.ts';
import { Refusal } from './refusal.ts';

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const GOOD = '{"alg":"ES256","kid":"k1","typ":"at+jwt"}';
const token = (header: string): string => `${encode(header)}.${encode('{}')}.${encode('signature')}`;

const outcome = (text: string): string => {
  const jws = readJws(text);
  return jws instanceof Refusal ? `${jws.reason}: ${jws.why}` : 'read';
};

test('a compact JWS is read into its parts', () => {
  expect(readJws(token(GOOD))).toEqual({
    alg: 'ES256',
    kid: 'k1',
    typ: 'at+jwt',
    payload: Buffer.from('{}'),
    signature: Buffer.from('signature'),
    signed: Buffer.from(`${encode(GOOD)}.${encode('{}')}`),
  });
});

describe('a token is malformed', () => {
  test.each([
    ['one part', 'abc'],
    ['two parts', 'abc.def'],
    ['four parts', `${token(GOOD)}.abc`],
    ['the five parts of a JWE', `${token(GOOD)}.abc.def`],
    ['a dot at the end', `${token(GOOD)}.`],
    ['white space around', ` ${token(GOOD)}`],
    ['white space inside', token(GOOD).replace('.', ' .')],
    ['a line end inside', token(GOOD).replace('.', '.\n')],
    ['padding', `${token(GOOD)}=`],
    ['the other base64 alphabet', token(GOOD).replace(/[^.]+$/, '+/+/')],
    ['unused bits that are set', token(GOOD).replace(/[^.]+$/, 'AB')],
    ['more than 8 KiB', token(GOOD).replace(/[^.]+$/, 'A'.repeat(8192))],
    ['a quoted header', `"${token(GOOD)}"`],
  ])('by %s', (_, text) => {
    expect(outcome(text)).toMatch(/^token-malformed/);
  });

  test.each([
    ['is no JSON', 'nonsense'],
    ['is an array', '["ES256"]'],
    ['is null', 'null'],
    ['repeats a member', '{"alg":"none","kid":"k1","alg":"ES256"}'],
    ['repeats a member in another spelling', '{"alg":"none","kid":"k1","\\u0061lg":"ES256"}'],
    ['begins with a byte order mark', `\ufeff${GOOD}`],
    ['has no alg', '{"kid":"k1"}'],
    ['has an alg that is no string', '{"alg":["ES256"],"kid":"k1"}'],
    ['has no kid', '{"alg":"ES256"}'],
    ['has an empty kid', '{"alg":"ES256","kid":""}'],
    ['has a kid that is no string', '{"alg":"ES256","kid":1}'],
    ['has a kid of unreasonable length', `{"alg":"ES256","kid":"${'k'.repeat(513)}"}`],
    ['has a typ that is no string', '{"alg":"ES256","kid":"k1","typ":7}'],
  ])('when its header %s', (_, header) => {
    expect(outcome(token(header))).toMatch(/^token-malformed/);
  });

  test('when its header is not UTF-8', () => {
    const header = Buffer.concat([Buffer.from('{"alg":"ES256","kid":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(outcome(`${encode(header)}.${encode('{}')}.AAAA`)).toMatch(/^token-malformed/);
  });

  test.each(['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'enc', 'zip'])('when its header has %s', (name) => {
    const header = JSON.stringify({ alg: 'ES256', kid: 'k1', [name]: null });
    expect(outcome(token(header))).toBe(`token-malformed: the header has ${name}`);
  });
});

test('cty and x5t in the header are ignored', () => {
  expect(outcome(token('{"alg":"ES256","kid":"k1","cty":"x","x5t":"y"}'))).toBe('read');
});

test('a header cannot pass for a refusal', () => {
  expect(outcome(token('{"alg":"ES256","kid":"k1","kind":"refused","reason":"completed"}'))).toBe('read');
});

test('base64url has one spelling', () => {
  expect(readBase64url('')).toEqual(Buffer.alloc(0));
  expect(readBase64url('_-8')).toEqual(Buffer.from([0xff, 0xef]));
  for (const text of ['_-9', '/+8', '_-8=', 'A', ' AA', 'A A', 'AA\n']) expect(readBase64url(text)).toBeNull();
});
