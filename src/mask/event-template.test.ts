import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsedRecord } from '../../test/kit/json.ts';
import { EventTemplate } from './event-template.ts';

const learn = (frame: string, text: string, padded = true): EventTemplate => {
  const start = frame.indexOf(`"${text}"`) + 1;
  return new EventTemplate('c', frame, { start, end: start + text.length }, padded);
};
const textIn = (template: EventTemplate, frame: string): string | null => {
  const span = template.match(frame);
  return span === null ? null : frame.slice(span.start, span.end);
};

const FRAME = 'data: {"sequence_number":7,"delta":"TEXT","obfuscation":"aB3"}\n\n';

describe('a template of an event', () => {
  it('finds the text in a frame that differs in text, count and padding only', () => {
    const template = learn(FRAME, 'TEXT');
    for (const text of ['', 'x', 'é🙂', ' two words ', "it's"])
      expect(textIn(template, FRAME.replace('TEXT', text).replace('7', '1234').replace('aB3', ''))).toBe(text);
  });

  it.each([
    ['another member', FRAME.replace('delta', 'other')],
    ['one member more', FRAME.replace('}', ',"x":1}')],
    ['a count with a leading zero', FRAME.replace('7', '07')],
    ['a count that is none', FRAME.replace('7', '"7"')],
    ['an empty count', FRAME.replace('7', '')],
    ['padding that may be text', FRAME.replace('aB3', 'a@b.c')],
    ['an escape in its text', FRAME.replace('TEXT', 'a\\u0040b')],
    ['a quote in its text', FRAME.replace('TEXT', 'a","x":"b')],
    ['a control character in its text', FRAME.replace('TEXT', 'a\u0001b')],
    ['a line break in its text', FRAME.replace('TEXT', 'a\nb')],
    ['more behind it', `${FRAME}data: x`],
    ['another line ending', FRAME.replaceAll('\n', '\r\n')],
    ['a comment', `: x\n${FRAME}`],
    ['nothing', ''],
    ['its head alone', FRAME.slice(0, 20)],
  ])('does not match a frame with %s', (_, frame) => {
    expect(learn(FRAME, 'TEXT').match(frame)).toBeNull();
  });

  it('compares padding like anything else where it is not known to be data', () => {
    const template = learn(FRAME, 'TEXT', false);
    expect(template.match(FRAME.replace('aB3', 'xyz'))).toBeNull();
    expect(template.match(FRAME.replace('TEXT', 'y'))).not.toBeNull();
  });

  it('matches only what parses as the same document with another text', () => {
    const template = learn(FRAME, 'TEXT');
    const alphabet = fc.constantFrom('a', ' ', '"', '\\', '}', ',', '\n', 'é', '\u2028', '\u0000', ':', '9');
    const piece = fc.string({ unit: alphabet, maxLength: 6 });
    let matched = 0;
    fc.assert(
      fc.property(piece, fc.oneof(fc.nat().map(String), piece), piece, (text, count, padding) => {
        const frame = FRAME.replace('TEXT', () => text)
          .replace('7', () => count)
          .replace('aB3', () => padding);
        const found = textIn(template, frame);
        if (found === null) return;
        matched++;
        const value = parsedRecord(frame.slice('data: '.length));
        expect(Object.keys(value)).toEqual(['sequence_number', 'delta', 'obfuscation']);
        expect(value['delta']).toBe(found);
        expect(value['obfuscation']).toMatch(/^[A-Za-z0-9]*$/);
      }),
      { numRuns: 3000 },
    );
    expect(matched).toBeGreaterThan(50);
  });
});
