import fc from 'fast-check';
import { expect, it } from 'vitest';
import { disguise } from './disguise.ts';

const finding = (start: number, end: number) => ({ kind: 'email.any', start, end, score: 1 });

it('shows the entity of what detectors found, and takes a stretch of what is shown for all of it', () => {
  const text = 'To jo@x.org from Jo';
  const shown = disguise(text, [finding(3, 11)], true);
  expect(shown.text).toBe('To <EMAIL> from Jo');
  expect(shown.shown(12)).toBe(11);
  expect(shown.original(16, 18)).toEqual({ start: 17, end: 19 });
  expect(shown.original(5, 7)).toEqual({ start: 3, end: 11 });
  expect(shown.original(0, 4)).toEqual({ start: 0, end: 11 });
});

it('raw: shows the text, and a stretch that cuts a finding grows to it', () => {
  const shown = disguise('To jo@x.org', [finding(3, 11)], false);
  expect(shown.text).toBe('To jo@x.org');
  expect(shown.original(3, 5)).toEqual({ start: 3, end: 11 });
});

it('shows half a surrogate pair as U+FFFD, at the same place', () => {
  expect(disguise('a\ud83db', [], true).text).toBe('a\ufffdb');
});

it('gives back stretches of the text that were in no finding as they were', () => {
  const parts = fc.array(fc.tuple(fc.string({ maxLength: 6 }), fc.string({ minLength: 1, maxLength: 6 })), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(parts, fc.string({ minLength: 1, maxLength: 6 }), fc.boolean(), (ahead, last, masked) => {
      let text = '';
      const findings = ahead.map(([plain, found]) => {
        text += plain + found;
        return finding(text.length - found.length, text.length);
      });
      const start = text.length;
      text += last;
      const shown = disguise(text, findings, masked);
      expect(shown.original(shown.shown(start), shown.text.length)).toEqual({ start, end: text.length });
    }),
  );
});
