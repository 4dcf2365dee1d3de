import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Finding } from '../call.ts';
import { compileTextMasker } from './text-masker.ts';

const KEY = Buffer.alloc(32, 1);
const watching = compileTextMasker(
  [
    { entities: ['email'], with: 'replace' },
    { entities: ['email', 'credit_card', 'secret'], with: 'keep' },
  ],
  KEY,
);

it('tells what it finds and leaves the text alone, beside rules that mask', () => {
  const found: Finding[] = [];
  const text = 'a@example.org, 4111 1111 1111 1111';
  expect(watching.whole(text, (finding) => found.push(finding))).toBe('<EMAIL>, 4111 1111 1111 1111');
  expect(found.map(({ kind, kept = false }) => [kind, kept])).toEqual([
    ['email', false],
    ['credit_card', true],
  ]);
});

it('promise 4: keeps a streamed text as it keeps the whole, with the same findings, however it is cut', () => {
  const part = fc.constantFrom('a@example.org', ' ', '4111 1111 1111 1111', `sk-ant-api03-${'Ab3'.repeat(31)}AA`, 'x');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (parts, sizes) => {
      const text = parts.join('');
      const whole: string[] = [];
      const masked = watching.whole(text, ({ kind }) => whole.push(kind));
      const streamed: string[] = [];
      const stream = watching.stream(({ kind }) => streamed.push(kind));
      let out = '';
      for (let at = 0; at < text.length; ) {
        const size = sizes.next().value;
        out += stream.push(text.slice(at, at + size));
        at += size;
      }
      expect(out + stream.end()).toBe(masked);
      expect(streamed).toEqual(whole);
    }),
  );
});
