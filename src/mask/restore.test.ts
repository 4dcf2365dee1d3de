import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonTextStream, maskJsonText } from './json-text.ts';
import { restoring } from './restore.ts';
import { compileTextMasker, type MaskRule, type TextMasker } from './text-masker.ts';
import { Tokens } from './tokens.ts';

const RULE: MaskRule = { entities: ['email', 'ipv4', 'secret'], with: 'tokenize', restore: true };
const rules = compileTextMasker([RULE], new Uint8Array(32).fill(7));
const quiet = (): void => {};

/** What a call has said, and the mask of its answer. */
const call = (said: string, answers: TextMasker = rules) => {
  const tokens = new Tokens();
  tokens.passOver(Buffer.from(said));
  const sent = rules.session({ tokens, keeps: true }).whole(said, quiet);
  return { sent, tokens, answer: restoring(answers.session({ tokens, keeps: false }), tokens) };
};

const streamed = (masker: TextMasker, pieces: readonly string[]): string => {
  const stream = masker.stream(quiet);
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
};

describe('restoring', () => {
  it('puts back what the request said, and nothing else', () => {
    const { sent, answer } = call('bob@example.com at 10.0.0.1 and eve@example.com');
    expect(sent).toBe('<EMAIL_1> at <IPV4_1> and <EMAIL_2>');
    expect(answer.whole('Write <EMAIL_2>, <EMAIL_1>, <EMAIL_3>, <IPV4_1>, <email_1>, EMAIL_1', quiet)).toBe(
      'Write eve@example.com, bob@example.com, <EMAIL_3>, 10.0.0.1, <email_1>, EMAIL_1',
    );
  });

  it('masks what only the model says, under a token of its own', () => {
    const { answer } = call('bob@example.com');
    expect(answer.whole('<EMAIL_1> or mallory@example.com', quiet)).toBe('bob@example.com or <EMAIL_2>');
    expect(answer.whole('mallory@example.com <EMAIL_2>', quiet)).toBe('<EMAIL_2> <EMAIL_2>');
  });

  it('knows nothing of another call', () => {
    call('bob@example.com');
    expect(call('10.0.0.1').answer.whole('<EMAIL_1>', quiet)).toBe('<EMAIL_1>');
  });

  it('puts nothing in the place of what the caller typed', () => {
    const typed = call('what is <EMAIL_1> or \\u003cEMAIL_2>? bob@example.com');
    expect(typed.sent).toContain('? <EMAIL_3>');
    expect(typed.answer.whole('<EMAIL_1> <EMAIL_2> <EMAIL_3>', quiet)).toBe('<EMAIL_1> <EMAIL_2> bob@example.com');
  });

  it('puts nothing back where the rule says so, nor a value that is too long', () => {
    const tokens = new Tokens();
    const rule = { ...RULE, restore: false };
    compileTextMasker([rule], new Uint8Array(32)).session({ tokens, keeps: true }).whole('bob@example.com', quiet);
    expect(tokens.holdsValues).toBe(false);
    const long = call(
      `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0B\n'.repeat(3000)}-----END PRIVATE KEY-----`,
    );
    expect(long.sent).toBe('<SECRET_1>');
    expect(long.answer.whole('<SECRET_1>', quiet)).toBe('<SECRET_1>');
  });

  it('says the same of a text in pieces, whatever the pieces, and holds no more than a token', () => {
    const { answer } = call('bob@example.com 10.0.0.1 eve@example.com');
    const part = fc.constantFrom(
      '<EMAIL_1>',
      '<EMAIL_12>',
      '<EMAIL',
      '<',
      '>',
      '<IPV4_1>',
      'mallory@example.com ',
      ' x ',
      '<<EMAIL_2>',
      '<DIV_',
      '1',
      '_1>',
    );
    let restored = 0;
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (parts, lengths) => {
          const text = parts.join('');
          const expected = answer.whole(text, quiet);
          if (expected.includes('bob@')) restored += 1;
          const pieces: string[] = [];
          for (let at = 0; at < text.length; ) {
            const length = lengths.next().value ?? 1;
            pieces.push(text.slice(at, at + length));
            at += length;
          }
          expect(streamed(answer, pieces)).toBe(expected);
          expect(streamed(answer, text.split(''))).toBe(expected);
          expect(answer.stream(quiet).held).toBe(0);
        },
      ),
      { numRuns: 500, seed: 5 },
    );
    expect(restored).toBeGreaterThan(100);
    const stream = answer.stream(quiet);
    stream.push(`<${'A'.repeat(500)}`);
    expect(stream.held).toBe(0);
  });

  it('spells what it puts into JSON within strings, whole and in pieces', () => {
    const said = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B"q"\n-----END PRIVATE KEY-----';
    const { answer } = call(said);
    const args = '{"key": "a <SECRET_1> \\u003cSECRET_1> z", "n": 1}';
    const expected = `{"key": ${JSON.stringify(`a ${said} ${said} z`)}, "n": 1}`;
    expect(maskJsonText(args, answer, quiet)).toBe(expected);
    const stream = jsonTextStream(answer, quiet);
    const out =
      args
        .split('')
        .map((unit) => stream.push(unit))
        .join('') + stream.end();
    expect(JSON.parse(out)).toEqual(JSON.parse(expected));
  });

  it('tells that a text is no longer what was signed', () => {
    const { answer } = call('bob@example.com');
    const stream = answer.stream(quiet);
    stream.push('no token <b>');
    expect(stream.restored).toBe(false);
    stream.push('<EMAIL_1>');
    expect(stream.restored).toBe(true);
  });
});
