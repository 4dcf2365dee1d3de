/** The wire together with the real detectors: what a caller puts together again is the masked whole. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutAt, dispatched, frame, singleBytes, spell, spelling } from '../../test/kit/event-stream.ts';
import { parsedRecord, stringAt } from '../../test/kit/json.ts';
import { codecs } from '../protocol/codecs.ts';
import { createAnswerMask } from './answer.ts';
import { compileTextMasker } from './text-masker.ts';

const masker = compileTextMasker(
  [
    { entities: ['email', 'credit_card', 'phone'], with: 'replace' },
    { entities: ['iban', 'us_ssn'], with: 'mask' },
    { entities: ['ipv4', 'url_credentials'], with: 'tokenize' },
    { entities: ['mac'], with: 'drop' },
  ],
  new Uint8Array(32).fill(7),
);

const SECRETS = [
  'alice@example.com',
  '4111 1111 1111 1111',
  '+1 415 555 2671',
  'DE89370400440532013000',
  '078-05-1120',
  'https://bob:hunter2@db.example.com/x',
  '192.168.17.4',
  '00:1b:44:11:3a:b7',
];

const word = fc.oneof(
  fc.constantFrom(...SECRETS),
  fc.constantFrom('hello', 'the year 2024', '"quoted"', '\n', '🙂', 'a@', '@b', '4111', 'https://', 'née'),
);
const text = fc
  .array(fc.tuple(word, fc.constantFrom(' ', ' ', '', ', ')), { maxLength: 8 })
  .map((parts) => parts.flat().join(''));

it('a masked stream says what the masked whole says, for real entities and every cut of text and bytes', () => {
  let masked = 0;
  fc.assert(
    fc.property(
      text,
      fc.array(fc.nat(), { maxLength: 10 }),
      fc.boolean(),
      spelling,
      fc.array(fc.nat(), { maxLength: 6 }),
      fc.boolean(),
      (content, cuts, letters, style, byteCuts, single) => {
        const places = [...new Set(cuts.map((cut) => cut % (content.length + 1)))].sort((a, b) => a - b);
        const parts = letters
          ? Array.from({ length: content.length }, (_, i) => content[i] ?? '')
          : [0, ...places].map((from, i) => content.slice(from, places[i] ?? content.length));
        const stream = parts
          .map((part) => ({ id: 'c1', choices: [{ index: 0, delta: { content: part }, finish_reason: null }] }))
          .map((event) => frame('', spell(event, style), style))
          .concat(frame('', '[DONE]', style))
          .join('');
        const bytes = Buffer.from(stream);
        const mask = createAnswerMask({
          codec: codecs.openai,
          operation: { name: 'chat', body: 'json' },
          contentType: 'text/event-stream',
          masker: masker.session(),
          found: () => {},
          limit: 100_000,
        });
        const chunks = single ? singleBytes(bytes) : cutAt(bytes, byteCuts);
        const out = Buffer.concat([...chunks.flatMap((chunk) => mask.push(chunk)), ...mask.end()]).toString();
        const joined = dispatched(out)
          .filter(({ data }) => data !== '[DONE]')
          .map(({ data }) => stringAt(parsedRecord(data), 'choices', 0, 'delta', 'content'))
          .join('');
        const whole = masker.session().whole(content, () => {});
        expect(joined).toBe(whole);
        if (whole !== content) masked++;
      },
    ),
    { numRuns: 300 },
  );
  expect(masked).toBeGreaterThan(100);
});
