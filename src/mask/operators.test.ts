import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { MaskOperator } from '../call.ts';
import { ENTITIES } from '../detect/entities.ts';
import { Failure } from '../reasons.ts';
import { compileTextMasker, type MaskRule } from './text-masker.ts';

const KEY = new Uint8Array(32).fill(7);
const ALL = ENTITIES.map(({ name }) => name);
const TOKEN = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';

const unitsOf = (text: string): readonly string[] => Array.from({ length: text.length }, (_, at) => text.charAt(at));

const masker = (operator: MaskOperator): ReturnType<typeof compileTextMasker> =>
  compileTextMasker([{ entities: ALL, with: operator }], KEY);
const whole = (operator: MaskOperator, text: string): string => masker(operator).whole(text, () => {});
const streamed = (operator: MaskOperator, text: string): string => {
  const stream = masker(operator).stream(() => {});
  return (
    unitsOf(text)
      .map((unit) => stream.push(unit))
      .join('') + stream.end()
  );
};

const mask = (rules: readonly MaskRule[], text: string): string => compileTextMasker(rules, KEY).whole(text, () => {});

const CASES: readonly (readonly [MaskOperator, string, string])[] = [
  ['replace', `to bob@example.com with ${TOKEN}!`, 'to <EMAIL> with <SECRET>!'],
  ['redact', 'to bob@example.com!', 'to [redacted]!'],
  ['drop', 'to bob@example.com!', 'to !'],
  ['mask', 'card 4111 1111 1111 1234? 4111 1111 1111 1111', 'card 4111 1111 1111 1234? **** **** **** 1111'],
  ['mask', 'to jörg@münchen.de', 'to ****@*****en.de'],
  ['mask', `ip 8.8.8.8 key ${TOKEN}.`, 'ip *.*.*.* key ********.'],
  ['tokenize', 'a@x.de b@x.de a@x.de 10.0.0.1 A@x.de', '<EMAIL_1> <EMAIL_2> <EMAIL_1> <IPV4_1> <EMAIL_3>'],
  ['tokenize', `${TOKEN} ${TOKEN}x ${TOKEN}`, '<SECRET_1> <SECRET_2> <SECRET_1>'],
];

describe('operators', () => {
  for (const [operator, text, expected] of CASES) {
    it(`${operator} makes ${JSON.stringify(expected)}, whole and unit by unit`, () => {
      expect(whole(operator, text)).toBe(expected);
      expect(streamed(operator, text)).toBe(expected);
    });
  }

  it('hash is an HMAC-SHA-256 under the key, 64 bits of it, kept apart by entity', () => {
    const digest = createHmac('sha256', KEY).update('EMAIL\0').update('bob@example.com', 'utf16le').digest('hex');
    expect(whole('hash', 'bob@example.com')).toBe(`<EMAIL:${digest.slice(0, 16)}>`);
    const other = compileTextMasker([{ entities: ['email'], with: 'hash' }], new Uint8Array(32));
    expect(other.whole('bob@example.com', () => {})).not.toBe(whole('hash', 'bob@example.com'));
  });

  it('hash of an entity without a bound is the same whole and in pieces that cut surrogate pairs', () => {
    const key = `-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B 😀 A\n-----END PRIVATE KEY-----`;
    const stream = masker('hash').stream(() => {});
    const out =
      unitsOf(key)
        .map((unit) => stream.push(unit))
        .join('') + stream.end();
    expect(out).toBe(whole('hash', key));
    expect(out).toMatch(/^<SECRET:[0-9a-f]{16}>$/);
  });

  it('block throws at the finding, whole and in the push that decides it, and lets nothing of it out before', () => {
    expect(() => whole('block', 'to bob@example.com now')).toThrow(Failure);
    const stream = masker('block').stream(() => {});
    expect(stream.push('to bob@exam')).toBe('to ');
    expect(stream.push('ple.com')).toBe('');
    expect(() => stream.push(' now')).toThrow(expect.objectContaining({ reason: 'mask-blocked' }));
    const ending = masker('block').stream(() => {});
    ending.push('bob@example.com');
    expect(() => ending.end()).toThrow(expect.objectContaining({ reason: 'mask-blocked' }));
  });

  it('block says what was found without a piece of it', () => {
    expect(() => whole('block', 'bob@example.com')).toThrow('expected a text without email, found one');
  });
});

describe('a text masker', () => {
  it('takes the first rule that names an entity, and lets block beat every other', () => {
    const text = 'bob@example.com 10.0.0.1';
    expect(
      mask(
        [
          { entities: ['email'], with: 'drop' },
          { entities: ['email', 'ipv4'], with: 'replace' },
        ],
        text,
      ),
    ).toBe(' <IPV4>');
    expect(() =>
      mask(
        [
          { entities: ['email'], with: 'drop' },
          { entities: ['email'], with: 'block' },
        ],
        text,
      ),
    ).toThrow(Failure);
  });

  it('lets a rule name one kind of an entity', () => {
    const text = `${TOKEN} npm_abcdefghijklmnopqrstuvwxyz0123456789`;
    expect(mask([{ entities: ['secret.npm'], with: 'replace' }], text)).toBe(`${TOKEN} <SECRET>`);
  });

  it('returns the very same string when nothing was masked', () => {
    expect(mask([{ entities: ALL, with: 'drop' }], 'nothing here')).toBe('nothing here');
    expect(mask([], 'bob@example.com')).toBe('bob@example.com');
  });

  it('gives each session tokens of its own, and one session the same in all its texts', () => {
    const tokens = compileTextMasker([{ entities: ['email'], with: 'tokenize' }], KEY);
    const one = tokens.session();
    const other = tokens.session();
    expect(one.whole('a@x.de b@x.de', () => {})).toBe('<EMAIL_1> <EMAIL_2>');
    const stream = one.stream(() => {});
    expect(stream.push('b@x.de ') + stream.end()).toBe('<EMAIL_2> ');
    expect(other.whole('b@x.de', () => {})).toBe('<EMAIL_1>');
  });

  it('lets a listener use the same masker while it is told of a finding', () => {
    const masks = compileTextMasker([{ entities: ['email'], with: 'replace' }], KEY);
    const text = `a@x.de ${'and so on '.repeat(40)} b@x.de ${'and so on '.repeat(40)} c@x.de`;
    // Dots hold nothing to look at: had they taken the place of the outer text, its next addresses would be missed.
    const dots = '.'.repeat(5000);
    const stream = masks.stream(() => expect(masks.whole(dots, () => {})).toBe(dots));
    expect(stream.push(text) + stream.end()).toBe(text.replace(/[abc]@x\.de/g, '<EMAIL>'));
  });
});
