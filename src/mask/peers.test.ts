import { describe, expect, it } from 'vitest';
import { ENTITIES } from '../detect/entities.ts';
import { Failure } from '../reasons.ts';
import { compileTextMasker, type TextStream } from './text-masker.ts';

const ALL = ENTITIES.map(({ name }) => name);
const KEY = new Uint8Array(32);
const masker = compileTextMasker([{ entities: ALL, with: 'replace' }], KEY);

const outputs = (stream: TextStream, pieces: readonly string[]): readonly string[] => [
  ...pieces.map((piece) => stream.push(piece)),
  stream.end(),
];
const tokens = (text: string): readonly string[] => text.match(/.{1,4}/gsu) ?? [];

/** Leaks of other gateways, as far as they lie in the masking of text. */
describe('where others leak', () => {
  it('agentgateway #2956: the mask of a stream forwards the original', () => {
    expect(
      outputs(
        masker.stream(() => {}),
        tokens('Write to bob@example.com today.'),
      ).join(''),
    ).toBe('Write to <EMAIL> today.');
  });

  it('agentgateway: an overlap window cannot take back what has gone out', () => {
    const out = outputs(
      masker.stream(() => {}),
      tokens('card 4111 1111 1111 1111 ok'),
    );
    expect(out.join('')).toBe('card <CREDIT_CARD> ok');
    expect(out.some((piece) => /\d/.test(piece))).toBe(false);
  });

  it('Portkey: a streamed secret passes and the verdict comes after the end', () => {
    const stream = compileTextMasker([{ entities: ['secret'], with: 'block' }], KEY).stream(() => {});
    const gone: string[] = [];
    expect(() => {
      for (const piece of tokens('key: ghp_abcdefghijklmnopqrstuvwxyz0123456789 and a long rest'))
        gone.push(stream.push(piece));
    }).toThrow(Failure);
    expect(gone.join('')).toBe('key: ');
  });

  it('LiteLLM #20027: every fifth piece is blanked', () => {
    const text = 'one two three four five six seven eight nine ten eleven twelve '.repeat(20);
    expect(
      outputs(
        masker.stream(() => {}),
        tokens(text),
      ).join(''),
    ).toBe(text);
  });

  it('NeMo: the stream goes first and is checked later', () => {
    const stream = masker.stream(() => {});
    expect(stream.push('bob@example.com')).toBe('');
    expect(stream.push(' ')).toBe('<EMAIL> ');
  });

  it('Invariant: the check runs at the last piece', () => {
    const found: string[] = [];
    const stream = masker.stream(({ kind }) => found.push(kind));
    stream.push('bob@example.com and ');
    expect(found).toEqual(['email']);
  });

  it('hoop: only the first 8 KiB are looked at', () => {
    const text = `${'All quiet here. '.repeat(4000)}bob@example.com`;
    expect(masker.whole(text, () => {})).toBe(text.replace('bob@example.com', '<EMAIL>'));
  });

  it('aisix #1110: a last piece without an end goes out as it came', () => {
    expect(
      outputs(
        masker.stream(() => {}),
        ['reach me at bob@exam', 'ple.com'],
      ),
    ).toEqual(['reach me at ', '', '<EMAIL>']);
  });

  it('mastra #23783: what is split between pieces leaks while "redacted" is logged', () => {
    const found: string[] = [];
    const pieces = ['ssn 12', '3-', '45', '-67', '89', '.'];
    expect(
      outputs(
        masker.stream(({ kind }) => found.push(kind)),
        pieces,
      ).join(''),
    ).toBe('ssn <US_SSN>.');
    expect(found).toEqual(['us_ssn']);
  });

  it('a stalled stream: what is held never goes out unmasked, and is dropped with the stream', () => {
    const stream = masker.stream(() => {});
    stream.push('key sk_live_4eC39HqLy');
    for (let at = 0; at < 1000; at++) expect(stream.push('')).toBe('');
    expect(stream.held).toBe(17);
    expect(stream.push('jWDarjtT1zdp7dc ')).toBe('<SECRET> ');
  });
});
