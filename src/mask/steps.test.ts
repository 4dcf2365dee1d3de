/** Masked in steps, a text is what it is masked in one go. */

import { describe, expect, it } from 'vitest';
import { ADVERSARIAL } from '../../test/masking/texts.ts';
import type { Finding } from '../call.ts';
import { compileScanner, ENTITIES, SLICE } from '../detect/scanner.ts';
import { codecs } from '../protocol/codecs.ts';
import { readJson } from '../protocol/json/json.ts';
import { valueAt } from '../protocol/value.ts';
import { atOnce, type Steps } from '../turns.ts';
import { stepsOf } from './answer-mask.ts';
import { createAnswerMask } from './answer.ts';
import { maskingRequest } from './request.ts';
import { compileTextMasker } from './text-masker.ts';

const entities = ENTITIES.map(({ name }) => name);
const masker = compileTextMasker([{ entities, with: 'hash' }], Buffer.alloc(32, 7));
const scanner = compileScanner(entities);
const chat = { name: 'chat', body: 'json' } as const;

const UNITS = [
  'bob@example.com ',
  '4111 1111 1111 1111, ',
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a ',
  '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN ',
  ...ADVERSARIAL,
];

/** Every unit, some of them where a slice is cut. */
const texts = UNITS.map(
  (unit, i) => `${'word '.repeat(SLICE / 5 + 1).slice(0, SLICE - 17 + 9 * (i % 3))}${unit.repeat(30)}x y z`,
);

const counted = <T>(work: Steps<T>): [number, T] => {
  for (let steps = 0; ; steps++) {
    const step = work.next();
    if (step.done === true) return [steps, step.value];
  }
};

describe('steps', { timeout: 120_000 }, () => {
  it('mask what the whole is masked as, and find the same', () => {
    for (const text of texts) {
      const [whole, stepped]: [Finding[], Finding[]] = [[], []];
      const expected = masker.whole(text, (finding) => void whole.push(finding));
      const [steps, masked] = counted(masker.steps(text, (finding) => void stepped.push(finding)));
      expect(masked).toBe(expected);
      expect(stepped).toEqual(whole);
      expect(steps).toBeGreaterThan(0);
    }
  });

  it('mask the same where it is known what was found', () => {
    for (const text of texts) {
      const scanned = new Map([[text, scanner.scan(text)]]);
      const known = masker.session({ scanned });
      expect(atOnce(known.steps(text, () => {}))).toBe(masker.whole(text, () => {}));
      expect(known.whole(text, () => {})).toBe(masker.whole(text, () => {}));
    }
    const many = 'bob@example.com, '.repeat(12_000);
    const scanned = new Map([[many, scanner.scan(many)]]);
    expect(counted(masker.session({ scanned }).steps(many, () => {}))[0]).toBeGreaterThan(10);
  });

  it('mask every string of a long request as that text: plain, JSON within, base64', () => {
    for (const text of texts.filter((text, at) => at % 3 === 0 && text.isWellFormed())) {
      const within = JSON.stringify({ note: text, digits: `4111111111111111`, n: [1, text] });
      const body = {
        messages: [
          { role: 'user', content: text },
          { role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'f', arguments: within } }] },
        ],
      };
      const document = readJson(Buffer.from(JSON.stringify(body)));
      const [steps, bytes] = counted(maskingRequest(document, codecs.openai, chat, masker, () => {}));
      const masked: unknown = JSON.parse(bytes.toString());
      const expected = masker.whole(text, () => {});
      expect(valueAt(masked, ['messages', 0, 'content'])).toBe(expected);
      const inner = valueAt(masked, ['messages', 1, 'tool_calls', 0, 'function', 'arguments']);
      expect(JSON.parse(String(inner))).toEqual({
        note: expected,
        digits: masker.whole('4111111111111111', () => {}),
        n: [1, expected],
      });
      expect(steps).toBeGreaterThan(1);
    }
  });

  it('cut no number of JSON within a string, however long', () => {
    const within = `[${'12345678'.repeat(SLICE / 4)}, "bob@example.com"]`;
    const body = {
      messages: [{ role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'f', arguments: within } }] }],
    };
    const document = readJson(Buffer.from(JSON.stringify(body)));
    expect(atOnce(maskingRequest(document, codecs.openai, chat, masker, () => {})).toString()).not.toContain('bob@');
  });

  it('mask a document of many short texts, resting now and then', () => {
    const mask = () =>
      createAnswerMask({
        codec: codecs.openai,
        operation: chat,
        contentType: 'application/json',
        masker,
        found: () => {},
        limit: 1e8,
      });
    const bytes = Buffer.from(
      JSON.stringify({ choices: Array.from({ length: 9000 }, (_, index) => ({ index, m: { c: `a@b${index}.com` } })) }),
    );
    const [one, other] = [mask(), mask()];
    one.push(bytes);
    other.push(bytes);
    const [steps, masked] = counted(stepsOf(other, null));
    expect(Buffer.concat(masked)).toEqual(Buffer.concat(one.end()));
    expect(Buffer.concat(masked).includes('@')).toBe(false);
    expect(steps).toBeGreaterThan(10);
  });

  it('mask an event of any length as the whole text, in every framing of it', () => {
    for (const text of texts.filter((_, at) => at % 3 === 1)) {
      const mask = createAnswerMask({
        codec: codecs.openai,
        operation: chat,
        contentType: 'text/event-stream',
        masker,
        found: () => {},
        limit: 1e8,
      });
      const value = { choices: [{ index: 0, delta: { content: text }, finish_reason: 'stop' }], note: text };
      const [steps, pieces] = counted(stepsOf(mask, Buffer.from(`data: ${JSON.stringify(value)}\n\n`)));
      const masked: unknown = JSON.parse(Buffer.concat(pieces).toString().slice(6));
      expect(valueAt(masked, ['choices', 0, 'delta', 'content'])).toBe(masker.whole(text, () => {}));
      expect(valueAt(masked, ['note'])).toBe(masker.whole(text, () => {}));
      expect(steps).toBeGreaterThan(0);
    }
  });
});
