import { describe, expect, it } from 'vitest';
import { readRecordingKey } from './secrets.ts';
import { createRecordingKey, parseRecordingKey } from './recording-key.ts';

const LINE = `sallyport-recording-key-v1:${Buffer.alloc(32, 7).toString('base64')}`;

describe('the recording key', () => {
  it('reads back what was created', () => {
    expect(parseRecordingKey(createRecordingKey('2026-01-01'))).toHaveLength(32);
  });

  it('is found by its reference', () => {
    expect(readRecordingKey({ env: 'KEY' }, '/', { env: { KEY: LINE } })).toEqual(Buffer.alloc(32, 7));
  });

  it('is another one each time', () => {
    expect(parseRecordingKey(createRecordingKey('2026-01-01'))).not.toEqual(
      parseRecordingKey(createRecordingKey('2026-01-01')),
    );
  });

  it('is read without its comments, as an environment variable holds it', () => {
    expect(parseRecordingKey(LINE)).toEqual(Buffer.alloc(32, 7));
  });

  it.each([
    ['nothing', '', '0 lines'],
    ['two keys', `${LINE}\n${LINE}`, '2 lines'],
    ['another kind of key', 'AGE-SECRET-KEY-1QQQ', 'another beginning'],
    ['a short key', `sallyport-recording-key-v1:${Buffer.alloc(31).toString('base64')}`, '31 bytes'],
    ['trailing bits', LINE.replace(/c=$/, 'd='), 'something that is not base64'],
    ['no padding', LINE.replace(/=$/, ''), 'something that is not base64'],
  ])('refuses %s', (_what, text, found) => {
    expect(() => parseRecordingKey(text)).toThrow(found);
  });

  it('promise 8: does not repeat the key in an error', () => {
    expect(() => parseRecordingKey(`${LINE.slice(0, -4)}!!!!`)).toThrow(/^(?!.*BwcH)/);
  });
});
