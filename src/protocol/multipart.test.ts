import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../test/kit/masked-answer.ts';
import { editForm, readForm, textOf } from './multipart.ts';

const TYPE = 'multipart/form-data; boundary=xYz';

const form = (...parts: readonly (readonly [head: string, content: string])[]): Buffer =>
  Buffer.from(`${parts.map(([head, content]) => `--xYz\r\n${head}\r\n\r\n${content}\r\n`).join('')}--xYz--\r\n`);
const field = (name: string, content: string): readonly [string, string] => [
  `Content-Disposition: form-data; name="${name}"`,
  content,
];
const file = (name: string, filename: string, content: string): readonly [string, string] => [
  `Content-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: audio/wav`,
  content,
];

const read = (bytes: Buffer | string, type = TYPE) => readForm(Buffer.from(bytes), type);
const refused = (bytes: Buffer | string, type = TYPE): string | null => reasonOf(() => read(bytes, type));

describe('a form in parts', () => {
  it('is read part by part, in any order', () => {
    const { parts } = read(
      form(file('file', 'a.wav', '\r\n--xY\0'), field('model', 'whisper-1'), field('x[]', ''), field('x[]', 'b')),
    );
    expect(parts.map(({ name, filename, content }) => [name, filename, content.toString()])).toEqual([
      ['file', 'a.wav', '\r\n--xY\0'],
      ['model', null, 'whisper-1'],
      ['x[]', null, ''],
      ['x[]', null, 'b'],
    ]);
  });

  it('is what the platform itself writes', async () => {
    const field = fc.stringMatching(/^[a-z]{1,6}$/);
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('--', '\r\n--', 'a\r\nb: c\r\n\r\nd'));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(field, value, { maxKeys: 5 }), fc.uint8Array(), async (fields, bytes) => {
        const data = new FormData();
        for (const [name, text] of Object.entries(fields)) data.append(name, text);
        data.append('0file', new Blob([new Uint8Array(bytes)]), 'naïve name.bin');
        const request = new Request('http://x', { method: 'POST', body: data });
        const { parts } = readForm(Buffer.from(await request.arrayBuffer()), request.headers.get('content-type') ?? '');
        const last = parts.at(-1)!;
        expect(last).toMatchObject({ name: '0file', filename: 'naïve name.bin' });
        expect(last.content.equals(Buffer.from(bytes))).toBe(true);
        // The platform writes line endings of texts as CRLF (HTML, "encode as multipart form data").
        const sent = Object.entries(fields).map(([name, text]) => [name, text.replaceAll(/\r\n|\r|\n/g, '\r\n')]);
        expect(parts.slice(0, -1).map((part) => [part.name, textOf(part)])).toEqual(sent);
      }),
    );
  });

  const plain = form(field('a', 'b'));
  it.each([
    ['something ahead of it', Buffer.concat([Buffer.from('preamble\r\n'), plain])],
    ['a line ahead of it', Buffer.concat([Buffer.from('\r\n'), plain])],
    ['something behind it', Buffer.concat([plain, Buffer.from('x')])],
    ['a form behind it', Buffer.concat([plain, plain])],
    ['no end', plain.subarray(0, -4)],
    ['half an end', plain.subarray(0, -3)],
    ['another boundary', plain.toString().replaceAll('xYz', 'xyz')],
    ['bare line feeds', plain.toString().replaceAll('\r\n', '\n')],
    ['space behind a boundary', plain.toString().replace('--xYz\r\n', '--xYz \r\n')],
    ['a longer boundary', plain.toString().replace('--xYz\r\n', '--xYzz\r\n')],
    [
      'a boundary behind a bare line feed',
      form(field('a', 'x\n--xYz\nContent-Disposition: form-data; name="model"\n\nbig')),
    ],
    ['a boundary in a text', form(field('a', 'x --xYz'))],
    ['a part without a blank line', '--xYz\r\nContent-Disposition: form-data; name="a"\r\n--xYz--\r\n'],
    ['no part', '--xYz--\r\n'.replace('--xYz', '')],
    ['a name twice', form(field('model', 'small'), field('model', 'big'))],
    ['a name twice, once as a file', form(field('file', 'x'), file('file', 'a', 'y'))],
    ['no name', form(['Content-Disposition: form-data', 'x'])],
    ['a name without quotes', form(['Content-Disposition: form-data; name=a', 'x'])],
    ['an escaped name', form(['Content-Disposition: form-data; name="a\\"b"', 'x'])],
    ['a percent-escaped name', form(['Content-Disposition: form-data; name="mod%65l"', 'x'])],
    ['two names', form(['Content-Disposition: form-data; name="a"; name="model"', 'x'])],
    ['a second filename', form(['Content-Disposition: form-data; name="a"; filename="b"; filename*=UTF-8\'\'c', 'x'])],
    ['another disposition', form(['Content-Disposition: attachment; name="a"', 'x'])],
    ['two dispositions', form([`${field('a', '')[0]}\r\n${field('model', '')[0]}`, 'x'])],
    ['an encoding', form([`${field('a', '')[0]}\r\nContent-Transfer-Encoding: base64`, 'eA=='])],
    ['a folded head', form(['Content-Disposition: form-data;\r\n name="a"', 'x'])],
    ['a field that says how to read', form(field('_charset_', 'utf-16'))],
  ])('is refused with %s', (_, bytes) => {
    expect(refused(bytes)).toBe('body-unreadable');
  });

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=xYz; boundary=abc',
    'multipart/form-data; boundary=xYz; charset=utf-16',
    'multipart/form-data; boundary="xYz',
    'multipart/mixed; boundary=xYz',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
  ])('is refused as %s', (type) => {
    expect(refused(plain, type)).toBe('body-unreadable');
    expect(refused(plain)).toBeNull();
    expect(refused(plain, 'Multipart/Form-Data;boundary="xYz"')).toBeNull();
  });
});

describe('editing a form', () => {
  it('changes nothing but what is edited', () => {
    const bytes = form(field('a', 'one'), file('f', 'name', '\0\x01'), field('b', 'two'));
    const read = readForm(bytes, TYPE);
    const [a, f] = read.parts;
    const edited = editForm(read, [
      { start: a!.start, end: a!.end, bytes: Buffer.from('ONE!'), quoted: false },
      { start: f!.filenameAt, end: f!.filenameAt + 4, bytes: Buffer.from('X'), quoted: true },
    ]);
    expect(edited).toEqual(form(field('a', 'ONE!'), file('f', 'X', '\0\x01'), field('b', 'two')));
  });

  it('is refused when what is left would be cut in another way', () => {
    const read = readForm(form(file('f', 'name', 'x'), field('a', 'one')), TYPE);
    const [f, a] = read.parts;
    const edit = (start: number, end: number, text: string, quoted: boolean) =>
      reasonOf(() => editForm(read, [{ start, end, bytes: Buffer.from(text), quoted }]));
    expect(edit(a!.start, a!.end, 'x\r\n--xYz\r\ny', false)).toBe('mask-blocked');
    expect(edit(f!.filenameAt, f!.filenameAt + 4, 'a"; name="model', true)).toBe('mask-blocked');
  });
});
