import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Malformed } from './malformed.ts';
import { openNote, parseNote, signNote } from './note.ts';
import { generateSigner, parseSigner, parseVerifier } from './note-key.ts';

// The keys and the note of the documentation of golang.org/x/mod/sumdb/note.
const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const SKEY = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const peter = parseVerifier(VKEY);
const eve = parseSigner(generateSigner('example.com/eve'));

describe('keys', () => {
  test('are written as golang.org/x/mod writes them', () => {
    expect(parseSigner(SKEY).verifier.vkey).toBe(VKEY);
    expect(peter).toMatchObject({ name: 'PeterNeumann', keyId: 0xc74f20a3, vkey: VKEY });
  });

  test('that were just made read back', () => {
    const skey = generateSigner('example.com/log');
    const { vkey } = parseSigner(skey).verifier;
    expect(parseVerifier(vkey).vkey).toBe(vkey);
    expect(skey).toMatch(/^PRIVATE\+KEY\+example\.com\/log\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/);
  });

  test.each(['', 'a b', 'a+b', 'a\u00a0b', 'a\u0085', 'a\u3000', 'lone \ud800'])('have no name %j', (name) => {
    expect(() => generateSigner(name)).toThrow(Malformed);
  });

  test.each([
    ['another id', VKEY.replace('c74f20a3', 'c74f20a4'), 'whose id is not that of its key'],
    ['an id in capitals', VKEY.replace('c74f20a3', 'C74F20A3'), 'is not a name, an id and base64'],
    ['another name', VKEY.replace('Peter', 'Petra'), 'whose id is not that of its key'],
    ['no name', VKEY.replace('PeterNeumann', ''), 'is not a name, an id and base64'],
    ['another algorithm', 'PeterNeumann+c74f20a3+AhpcAA==', 'is not an Ed25519 key'],
    ['a short key', 'PeterNeumann+c74f20a3+ARpc2QcU', 'has 5 bytes, not 32'],
    ['a second spelling of the base64', `${VKEY}=`, 'base64'],
    ['white space in the base64', VKEY.replace('ARpc', 'ARpc '), 'base64'],
    ['a newline at the end', `${VKEY}\n`, 'base64'],
    ['a private key', SKEY, 'is not a name, an id and base64'],
    ['nothing', '', 'is not a name, an id and base64'],
  ])('with %s are refused', (_, vkey, message) => {
    expect(() => parseVerifier(vkey)).toThrow(Malformed);
    expect(() => parseVerifier(vkey)).toThrow(message);
  });

  test('with a space in their name are refused, though the id is that of name and key', () => {
    const key = Buffer.from(VKEY.slice(-44), 'base64');
    for (const name of ['Peter Neumann', 'Peter\u0085Neumann', 'Peter\u2003Neumann']) {
      const id = createHash('sha256').update(`${name}\n`).update(key).digest('hex').slice(0, 8);
      expect(() => parseVerifier(`${name}+${id}+${key.toString('base64')}`), name).toThrow('is not a name, an id');
    }
    const id = createHash('sha256').update('PeterNeumann\n').update(key).digest('hex').slice(0, 8);
    expect(parseVerifier(`PeterNeumann+${id}+${key.toString('base64')}`).vkey).toBe(VKEY);
  });

  test.each([
    ['a public key', VKEY, 'does not begin with PRIVATE+KEY+'],
    ['another id', SKEY.replace('c74f20a3', '00000000'), 'whose id is not that of its key'],
    ['another key', SKEY.replace('AYEK', 'AYEL'), 'whose id is not that of its key'],
  ])('for signing with %s are refused', (_, skey, message) => {
    expect(() => parseSigner(skey)).toThrow(message);
  });

  test('do not appear in the message when they are refused', () => {
    expect(() => parseSigner(SKEY.replace('c74f20a3', '00000000'))).toThrow(
      /^a signer key whose id is not that of its key$/,
    );
  });
});

describe('a signed note', () => {
  test('is what golang.org/x/mod signs, byte for byte', () => {
    expect(signNote(TEXT, [parseSigner(SKEY)])).toBe(`${TEXT}\n${LINE}`);
  });

  test('opens with a known key, whoever else has signed', () => {
    const both = signNote(TEXT, [eve, parseSigner(SKEY)]);
    expect(openNote(utf8(both), [peter])).toBe(TEXT);
    expect(openNote(utf8(both), [eve.verifier])).toBe(TEXT);
    expect(parseNote(utf8(both)).signatures.map(({ name }) => name)).toEqual(['example.com/eve', 'PeterNeumann']);
  });

  test('does not open without a known key, even under the same name or the same id', () => {
    const other = parseSigner(generateSigner('PeterNeumann'));
    expect(() => openNote(utf8(signNote(TEXT, [eve])), [peter])).toThrow('no signature by a known key');
    expect(() => openNote(utf8(signNote(TEXT, [other])), [peter])).toThrow('no signature by a known key');
    const sameId = { ...eve, verifier: { ...eve.verifier, keyId: peter.keyId } };
    expect(() => openNote(utf8(signNote(TEXT, [sameId])), [peter])).toThrow('no signature by a known key');
    expect(() => openNote(utf8(`${TEXT}\n${LINE}`), [])).toThrow('no signature by a known key');
  });

  test('is refused whole when one signature of a known key is bad', () => {
    const bad = signNote('other text\n', [parseSigner(SKEY)])
      .split('\n')
      .at(-2);
    const good = signNote(TEXT, [eve]);
    expect(() => openNote(utf8(`${good}${bad}\n`), [peter, eve.verifier])).toThrow('PeterNeumann does not verify');
    expect(openNote(utf8(`${good}${bad}\n`), [eve.verifier])).toBe(TEXT);
  });

  test('may have an empty line in its text: the last one divides', () => {
    const text = 'one\n\ntwo\n';
    expect(openNote(utf8(signNote(text, [eve])), [eve.verifier])).toBe(text);
  });

  test('has at most sixteen signatures', () => {
    const note = (count: number): Uint8Array => utf8(`${TEXT}\n${LINE.repeat(count)}`);
    expect(openNote(note(16), [peter])).toBe(TEXT);
    expect(() => openNote(note(17), [peter])).toThrow('17 signatures');
  });

  test('does not open after any bit of it has changed', () => {
    const note = utf8(`${TEXT}\n${LINE}`);
    for (let bit = 0; bit < note.length * 8; bit++) {
      const copy = note.slice();
      copy[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => openNote(copy, [peter]), `bit ${bit}`).toThrow(Malformed);
    }
  });

  test.each([
    ['no signature', TEXT],
    ['no empty line', `${TEXT}${LINE}`],
    ['no newline at the end', `${TEXT}\n${LINE.trimEnd()}`],
    ['an empty line at the end', `${TEXT}\n${LINE}\n`],
    ['a carriage return', `${TEXT}\r\n\n${LINE}`],
    ['a tab', `\t${TEXT}\n${LINE}`],
    ['a hyphen instead of the dash', `${TEXT}\n${LINE.replace('—', '-')}`],
    ['two spaces', `${TEXT}\n${LINE.replace('PeterNeumann ', 'PeterNeumann  ')}`],
    ['a name with a plus', `${TEXT}\n${LINE.replace('PeterNeumann', 'Peter+Neumann')}`],
    ['a signature of four bytes', `${TEXT}\n— PeterNeumann x08gow==\n`],
    ['a second spelling of the base64', `${TEXT}\n${LINE.replace('nAM=', 'nAN=')}`],
    ['base64 without padding', `${TEXT}\n${LINE.replace('nAM=', 'nAM')}`],
  ])('with %s is refused', (_, note) => expect(() => openNote(utf8(note), [peter])).toThrow(Malformed));

  test.each([
    ['a tab', 'a\tb\n'],
    ['a carriage return', 'a\r\n'],
    ['a null', 'a\0\n'],
    ['an escape', '\u001b[31m\n'],
  ])('with %s in its text is refused, though it is signed', (_, text) => {
    expect(() => openNote(utf8(signNote(text, [eve])), [eve.verifier])).toThrow('control character');
  });

  test.each([
    ['a third word', '— a AAAAAAE= more\n'],
    ['a plus in the name', '— a+b AAAAAAE=\n'],
    ['no name', '—  AAAAAAE=\n'],
    ['no dash', 'a AAAAAAE=\n'],
    ['no signature', '— a AAAAAA==\n'],
  ])('is refused for one line with %s, though another is good', (_, line) => {
    expect(openNote(utf8(`${TEXT}\n${LINE}— a AAAAAAE=\n`), [peter])).toBe(TEXT);
    expect(() => openNote(utf8(`${TEXT}\n${LINE}${line}`), [peter])).toThrow(Malformed);
  });

  test('that is not UTF-8 is refused', () => {
    expect(() => parseNote(Uint8Array.of(0xff, ...utf8(`${TEXT}\n${LINE}`)))).toThrow('not UTF-8');
  });

  test('that is too long is refused before it is read', () => {
    expect(() => parseNote(new Uint8Array(128 * 1024 + 1))).toThrow('131073 bytes');
  });
});
