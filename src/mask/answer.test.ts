import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, fragments } from '../../test/kit/event-stream.ts';
import { maskOf, reasonOf, refused, run } from '../../test/kit/masked-answer.ts';
import { maskWords } from '../../test/kit/word-masker.ts';

describe('masking other answers', () => {
  it('masks plain text as it flows, for every cut of the bytes', () => {
    fc.assert(
      fc.property(fragments, fc.array(fc.nat(), { maxLength: 6 }), (parts, cuts) => {
        const text = parts.join('');
        const { text: out } = run(cutAt(Buffer.from(text), cuts), { contentType: 'text/plain' });
        expect(out).toBe(maskWords(text));
      }),
    );
  });

  it('refuses plain text that is no UTF-8, at once or at its end', () => {
    const options = { contentType: 'text/plain; charset=utf-8' };
    expect(reasonOf(() => run([Buffer.from([0x61, 0xff])], options))).toBe('answer-unreadable');
    expect(reasonOf(() => run([Buffer.from([0x61, 0xe2, 0x82])], options))).toBe('answer-unreadable');
  });

  it.each([
    ['application/octet-stream', 'openai', 'chat'],
    ['text/html', 'openai', 'chat'],
    ['application/json; charset=utf-16', 'openai', 'chat'],
    ['text/event-stream; charset=latin1', 'openai', 'chat'],
    ['application/x-ndjson', 'http', 'post'],
    ['text/event-stream', 'http', 'post'],
    ['text/event-stream', 'openai', 'embeddings'],
    ['nonsense', 'openai', 'chat'],
  ] as const)('refuses %s of %s %s', (contentType, protocol, operation) => {
    expect(reasonOf(() => maskOf({ contentType, protocol, operation }))).toBe('answer-unreadable');
  });

  it('lets an answer without content pass without a type, and nothing else', () => {
    expect(refused('', { contentType: '' })).toBeNull();
    expect(refused('bob', { contentType: '' })).toBe('answer-unreadable');
  });
});
