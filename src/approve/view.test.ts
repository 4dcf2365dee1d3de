import { describe, expect, it } from 'vitest';
import { FULL, viewBody } from './view.ts';

const view = (text: string, limits = FULL) => viewBody(Buffer.from(text), limits);

describe('what an approver sees', () => {
  it('is every member of the body and every line of its texts', () => {
    const body = {
      model: 'gpt-4o',
      max_tokens: 9000,
      stream: true,
      stop: null,
      tools: [],
      metadata: {},
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'First line.\n\nThird line.' },
      ],
    };
    expect(view(JSON.stringify(body))).toEqual({
      lines: [
        'model: "gpt-4o"',
        'max_tokens: 9000',
        'stream: true',
        'stop: null',
        'tools: []',
        'metadata: {}',
        'messages[0].role: "system"',
        'messages[0].content: "Be brief."',
        'messages[1].role: "user"',
        'messages[1].content:',
        '  First line.',
        '  ',
        '  Third line.',
      ],
      truncated: false,
      marked: 0,
    });
  });

  it('has every member under its own name, however the name is spelled (nodejs/node#63785)', () => {
    JSON.parse(String.raw`{"mode\\":0}`);
    const body = String.raw`{"mode\u006c":"gpt-4o","max_toke\u006es":9000,"n\u0061me":"x"}`;
    expect(view(body).lines).toEqual(['model: "gpt-4o"', 'max_tokens: 9000', 'name: "x"']);
  });

  it('is the text itself where one name stands twice: it would show one of two readings', () => {
    expect(view('{"a":1,"\\u0061":2}').lines).toEqual([String.raw`text: "{"a":1,"\u0061":2}"`]);
  });

  it.each([
    ['an escape sequence', 'a\u001B[2Kb', 'a⟨U+001B⟩[2Kb'],
    ['a carriage return', 'harmless\rhidden', 'harmless⟨U+000D⟩hidden'],
    ['a C1 control', 'a\u009B2Kb', 'a⟨U+009B⟩2Kb'],
    ['letters in another order', 'a\u202Eb\u202C', 'a⟨U+202E⟩b⟨U+202C⟩'],
    ['isolates', '\u2066x\u2069', '⟨U+2066⟩x⟨U+2069⟩'],
    ['a zero-width space', 'drop\u200B table', 'drop⟨U+200B⟩ table'],
    ['a zero-width joiner', 'a\u200Db', 'a⟨U+200D⟩b'],
    ['tags', 'x\u{E0041}', 'x⟨U+E0041⟩'],
    ['variation selectors', 'x\u{E0101}', 'x⟨U+E0101⟩'],
    ['a variation selector behind a letter', 'x\uFE0F\uFE0E', 'x⟨U+FE0F⟩⟨U+FE0E⟩'],
    ['an empty Braille cell', 'a\u2800b', 'a⟨U+2800⟩b'],
    ['a filler', 'a\u3164b', 'a⟨U+3164⟩b'],
    ['a line separator', 'a\u2028b', 'a⟨U+2028⟩b'],
    ['a byte order mark', 'a\uFEFFb', 'a⟨U+FEFF⟩b'],
    ['a soft hyphen', 'a\u00ADb', 'a⟨U+00AD⟩b'],
  ])('shows %s', (_what, text, shown) => {
    const marked = [...shown.matchAll(/⟨U\+/g)].length;
    // written as it is, and written with JSON escapes: the model reads the same
    expect(view(`{"t":"${text.replaceAll('\r', '\\r').replaceAll('\u001B', '\\u001b')}"}`)).toMatchObject({
      lines: [`t: "${shown}"`],
      marked,
    });
    const escaped = text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    expect(view(`{"t":"${escaped}"}`)).toMatchObject({ lines: [`t: "${shown}"`], marked });
  });

  it('shows a lone surrogate, and what deceives in the names of members', () => {
    expect(view('{"t":"a\\ud800b"}').lines).toEqual(['t: "a⟨U+D800⟩b"']);
    expect(view('{"a\u202Eb":1,"":2,"x y":3}').lines).toEqual(['"a⟨U+202E⟩b": 1', '"": 2', '"x y": 3']);
  });

  it('leaves letters of every script, and emoji, as they are', () => {
    const text = 'Grüße, שלום, 你好, 👍🏽, ❤\uFE0F';
    expect(view(JSON.stringify({ text }))).toMatchObject({ lines: [`text: "${text}"`], marked: 0 });
  });

  it('shows numbers as they are written', () => {
    expect(view('{"a":1e400,"b":12345678901234567890,"c":-0.10}').lines).toEqual([
      'a: 1e400',
      'b: 12345678901234567890',
      'c: -0.10',
    ]);
  });

  it('does not let a text push a part of itself out of sight', () => {
    const text = `harmless${'\n'.repeat(500)}harmful${' '.repeat(300)}behind${'\t'.repeat(20)}tabs`;
    expect(view(JSON.stringify({ text })).lines).toEqual([
      'text:',
      '  harmless',
      '  ⟨499 empty lines⟩',
      '  harmful⟨300 spaces⟩behind⟨20 tabs⟩tabs',
    ]);
  });

  it('says where a long text was cut, and that not everything is shown', () => {
    const limits = { text: 10, whole: 1000 };
    expect(view(JSON.stringify({ a: 'x'.repeat(25), b: 'short' }), limits)).toEqual({
      lines: ['a:', '  xxxxxxxxxx', '  ⟨15 more characters⟩', 'b: "short"', '⟨not everything is shown⟩'],
      truncated: true,
      marked: 0,
    });
  });

  it('says so too when there are too many members', () => {
    const body = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`member${at}`, at]));
    const { lines, truncated } = view(JSON.stringify(body), { text: 100, whole: 200 });
    expect(truncated).toBe(true);
    expect(lines.at(-1)).toBe('⟨not everything is shown⟩');
    expect(lines.length).toBeLessThan(20);
  });

  it('shows everything in full', () => {
    const text = 'x'.repeat(100_000);
    expect(viewBody(Buffer.from(JSON.stringify({ text }))).truncated).toBe(true);
    expect(view(JSON.stringify({ text }))).toMatchObject({ lines: [`text: "${text}"`], truncated: false });
  });

  it('shows text that is not JSON, bytes that are not text, and no body', () => {
    expect(view('plain\ntext').lines).toEqual(['text:', '  plain', '  text']);
    expect(viewBody(Uint8Array.of(0xff, 0x00, 0x41)).lines).toEqual(['3 bytes that are not text, in hex:', 'ff0041']);
    expect(viewBody(new Uint8Array(300).fill(0xff))).toMatchObject({ truncated: true });
    expect(viewBody(null).lines).toEqual(['no body']);
  });
});
