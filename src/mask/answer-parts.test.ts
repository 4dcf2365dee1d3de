import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt, fragments } from '../../test/kit/event-stream.ts';
import { awsMessage, awsMessages } from '../../test/kit/framed-events.ts';
import { reasonOf } from '../../test/kit/masked-answer.ts';
import { MASK, maskWords, wordMasker } from '../../test/kit/word-masker.ts';
import { sagemaker } from '../protocol/sagemaker.ts';
import { createAnswerMask } from './answer.ts';

const part = (payload: Buffer): Buffer =>
  awsMessage(
    { ':event-type': 'PayloadPart', ':content-type': 'application/octet-stream', ':message-type': 'event' },
    payload,
  );

/** Masks what comes in these pieces. */
function mask(pieces: readonly Buffer[], within: string | null): Buffer {
  const masked = createAnswerMask({
    codec: sagemaker,
    operation: { name: 'invoke_stream', body: 'optional' },
    contentType: 'application/vnd.amazon.eventstream',
    rawHeaders: within === null ? [] : ['X-Amzn-SageMaker-Content-Type', within],
    masker: wordMasker,
    found: () => {},
    limit: 100_000,
  });
  return Buffer.concat([...pieces.flatMap((piece) => masked.push(piece)), ...masked.end()]);
}

/** What the parts of a stream hold together. */
const payloadsOf = (stream: Buffer): string =>
  Buffer.concat(
    awsMessages(stream)
      .filter(({ headers }) => headers[':event-type'] === 'PayloadPart')
      .map(({ payload }) => payload),
  ).toString();

/** How containers of each kind stream a text, and how it is read back. */
const CONTAINERS = [
  {
    name: 'OpenAI’s chunks as server-sent events (vLLM, LMI)',
    type: 'text/event-stream',
    write: (texts: readonly string[]) =>
      `${texts.map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`).join('')}data: [DONE]\n\n`,
    textIn: (event: string): string => {
      if (event.includes('[DONE]')) return '';
      const { choices }: { choices: { delta: { content: string } }[] } = JSON.parse(event.replace(/^data: /, ''));
      return choices[0]?.delta.content ?? '';
    },
  },
  {
    name: 'tokens as JSON lines (DJL Serving)',
    type: 'application/jsonlines',
    write: (texts: readonly string[]) =>
      texts.map((text) => `${JSON.stringify({ token: { id: 7, text, log_prob: -0.1 } })}\n`).join(''),
    textIn: (event: string): string => {
      const { token }: { token: { text: string } } = JSON.parse(event);
      return token.text;
    },
  },
] as const;

const textOf = (stream: string, textIn: (event: string) => string): string =>
  stream
    .split('\n')
    .filter((line) => line !== '')
    .map(textIn)
    .join('');

describe.each(CONTAINERS)('a SageMaker response stream of $name', ({ type, write, textIn }) => {
  it('promise 4: streams mask exactly like whole texts, however the parts and the bytes of the parts are cut', () => {
    fc.assert(
      fc.property(
        fragments,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (texts, cuts, bytes) => {
          // what is cut in the middle of a character is cut there by the container; a text of JSON holds no half of one
          const whole = texts.map((text) => text.toWellFormed());
          const parts = cutAt(Buffer.from(write(whole)), cuts).map(part);
          const out = mask(cutAt(Buffer.concat(parts), bytes), type);
          expect(textOf(payloadsOf(out), textIn)).toBe(maskWords(whole.join('')));
        },
      ),
    );
  });

  it('leaves a part as it came that needs no change', () => {
    const parts = ['hello ', 'you '].map((text) => part(Buffer.from(write([text]).replace('data: [DONE]\n\n', ''))));
    if (type === 'text/event-stream') expect(mask(parts, type)).toEqual(Buffer.concat(parts));
  });

  it('says what was held back ahead of an exception, and nothing of it unmasked', () => {
    const exception = awsMessage(
      { ':exception-type': 'ModelStreamError', ':message-type': 'exception', ':content-type': 'application/json' },
      Buffer.from('{"Message":"ask bob@x.org"}'),
    );
    const started = part(Buffer.from(write(['to bob@', 'x.org']).replace('data: [DONE]\n\n', '')));
    const out = mask([started, exception], type);
    expect(textOf(payloadsOf(out), textIn)).toBe(`to ${MASK}`);
    expect(out.toString('latin1')).not.toContain('bob@');
    expect(awsMessages(out).at(-1)?.headers[':exception-type']).toBe('ModelStreamError');
    expect(reasonOf(() => mask([started, exception, started], type))).toBe('answer-unreadable');
  });

  it('withholds the ids of tokens', () => {
    expect(payloadsOf(mask([part(Buffer.from(write(['a ', 'b '])))], type))).not.toContain('"id":7');
  });
});

describe('a SageMaker response stream', () => {
  const chunk = (text: string): Buffer =>
    Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`);
  it.each<[string, Buffer, string | null]>([
    ['that does not say what it holds', part(chunk('a')), null],
    ['of bytes', part(chunk('a')), 'application/octet-stream'],
    ['of a shape that nobody knows', part(Buffer.from('data: {"t":"secr"}\n\n')), 'text/event-stream'],
    [
      'that goes over to another shape',
      part(Buffer.concat([chunk('a'), Buffer.from('data: {"token":{"text":"b"}}\n\n')])),
      'text/event-stream',
    ],
    ['that is cut off', part(chunk('a')).subarray(0, -3), 'text/event-stream'],
  ])('%s is refused under a mask', (_what, stream, within) => {
    expect(reasonOf(() => mask([stream], within))).toBe('answer-unreadable');
  });

  it('that is one document is masked whole, in one part', () => {
    const body = Buffer.from(JSON.stringify({ predictions: ['bob@x.org', 'fine'] }));
    const out = mask(cutAt(body, [5, 17]).map(part), 'application/json');
    expect(JSON.parse(payloadsOf(out))).toEqual({ predictions: [MASK, 'fine'] });
  });
});
