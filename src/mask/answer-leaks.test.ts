import { describe, expect, it } from 'vitest';
import { dispatched } from '../../test/kit/event-stream.ts';
import { parsedRecord } from '../../test/kit/json.ts';
import { chunkOf, joined, maskOf, reasonOf, refused, run, sse } from '../../test/kit/masked-answer.ts';
import { blockingMasker, MASK } from '../../test/kit/word-masker.ts';

const noted = (content: string): object => ({ ...chunkOf({ content }), note: 'bob@x.org' });

const bothTexts = (refusal: string): object => chunkOf({ content: 'q ', refusal });

const namesOf = (...all: string[]): string =>
  sse({ choices: [], extra: Object.fromEntries(all.map((name) => [name, 1])) });

describe('where other gateways leak', () => {
  it('a masked stream is masked, not forwarded as it came (agentgateway #2956)', () => {
    expect(run([Buffer.from(sse(chunkOf({ content: 'bob@x.org ' })))]).text).not.toContain('bob');
  });

  it('every choice is read, not only the first', () => {
    const text = sse({ choices: [0, 1, 2].map((index) => ({ index, delta: { content: `bob${index}@x.org ` } })) });
    expect(joined(run([Buffer.from(text)]).text)).toEqual({
      '0.content': `${MASK} `,
      '1.content': `${MASK} `,
      '2.content': `${MASK} `,
    });
  });

  it('data over several lines is one document (aisix #1102)', () => {
    const text = 'data: {"choices":[{"index":0,\ndata: "delta":{"content":"bob@x.org "}}]}\n\n';
    const { text: out } = run([Buffer.from(text)]);
    expect(out).toBe(`data: {"choices":[{"index":0,\ndata: "delta":{"content":${JSON.stringify(`${MASK} `)}}}]}\n\n`);
  });

  it('an unfinished last frame is masked, and an unreadable one refused (aisix #1110)', () => {
    const whole = `data: ${JSON.stringify(chunkOf({ content: 'bob@x.org' }))}`;
    const { text } = run([Buffer.from(`${whole}\n`)]);
    expect(joined(`${text}\n\n`)).toEqual({ '0.content': MASK });
    expect(text).not.toContain('bob');
    expect(joined(run([Buffer.from(whole)]).text)).toEqual({ '0.content': MASK });
    expect(refused(whole.slice(0, -3))).toBe('answer-unreadable');
  });

  it('frames that are no JSON are refused (aisix #1098)', () => {
    for (const data of ['bob@x.org', '{"choices":[', '"bob@x.org"', '[1]', '7', '{"a":1}{"b":2}'])
      expect(refused(`data: ${data}\n\n`)).toBe('answer-unreadable');
  });

  it('comments, ids and names of events are masked too', () => {
    const text = ': to bob@x.org\nid: bob@x.org\nevent: bob@x.org\ndata: {"choices":[]}\n\n: bob@x.org\n\n';
    expect(run([Buffer.from(text)]).text).toBe(
      `: to ${MASK}\nid: ${MASK}\nevent: ${MASK}\ndata: {"choices":[]}\n\n: ${MASK}\n\n`,
    );
  });

  it('an escaped character is what it stands for', () => {
    const text = 'data: {"choices":[{"index":0,"delta":{"content":"bob\\u0040x.org "}}]}\n\n';
    expect(joined(run([Buffer.from(text)]).text)).toEqual({ '0.content': `${MASK} ` });
  });

  it('a repeated member is refused: which of the two counts is up to the reader', () => {
    const text = 'data: {"choices":[{"index":0,"delta":{"content":"bob@x.org","content":"x"}}]}\n\n';
    expect(refused(text)).toBe('answer-unreadable');
  });

  it('text in members that nobody knows is masked, also when it is split (mastra #23783)', () => {
    const text = sse(
      chunkOf({ thoughts: { deep: 'al' } }, { note: 'bob@x.org' }),
      chunkOf({ thoughts: { deep: 'ice@x.org' } }),
      '[DONE]',
    );
    const { text: out } = run([Buffer.from(text)]);
    expect(joined(out)).toEqual({ '0.thoughts.deep': MASK });
    expect(out).not.toContain('bob');
  });

  it('an event without choices may not bring text past the channels', () => {
    expect(refused(sse({ chunk: 'bob@' }))).toBe('answer-unreadable');
    expect(refused(sse({ id: 'c-1', object: 'chat.completion.chunk', usage: { prompt_tokens: 1 } }))).toBeNull();
  });

  it('text after the end of its choice is refused', () => {
    const text = sse(
      chunkOf({ content: 'bob@' }),
      chunkOf({}, { finish_reason: 'stop' }),
      chunkOf({ content: 'x.org' }),
    );
    expect(refused(text)).toBe('answer-unreadable');
    const empty = sse(
      chunkOf({ content: 'a' }),
      chunkOf({}, { finish_reason: 'stop' }),
      chunkOf({ content: '' }),
      '[DONE]',
    );
    expect(refused(empty)).toBeNull();
  });

  it('a stream that ends without a word leaves its rest masked', () => {
    expect(joined(run([Buffer.from(sse(chunkOf({ content: 'ask bob@x.org' })))]).text)).toEqual({
      '0.content': `ask ${MASK}`,
    });
  });

  it('an event over the limit is refused, and then nothing leaves', () => {
    const mask = maskOf({ limit: 100 });
    expect(reasonOf(() => mask.push(Buffer.from(`data: ${'x'.repeat(200)}`)))).toBe('answer-unreadable');
    expect(reasonOf(() => mask.push(Buffer.from('\n\n')))).toBe('answer-unreadable');
    expect(reasonOf(() => mask.end())).toBe('answer-unreadable');
  });

  it('a blocked text is a blocked answer, and what was held does not leave', () => {
    const mask = maskOf({ masker: blockingMasker });
    const out = mask.push(Buffer.from(sse(chunkOf({ content: 'ask bob@' }))));
    expect(Buffer.concat([...out]).toString()).not.toContain('bob');
    expect(reasonOf(() => mask.push(Buffer.from(sse(chunkOf({ content: 'x.org ' })))))).toBe('answer-blocked');
    expect(reasonOf(() => mask.end())).toBe('answer-blocked');
  });

  it('an error after the stream has begun is masked and ends it', () => {
    const text = sse(chunkOf({ content: 'ask bob@x.org' }), {
      error: { message: 'for bob@x.org', type: 'server_error' },
    });
    const events = dispatched(run([Buffer.from(text)]).text).map(({ data }) => parsedRecord(data));
    expect(events[1]).toEqual(chunkOf({ content: MASK }));
    expect(events[2]).toEqual({ error: { message: `for ${MASK}`, type: 'server_error' } });
  });

  it('bytes that are no UTF-8 are refused', () => {
    const bytes = Buffer.from(sse(chunkOf({ content: 'é ' })), 'latin1');
    expect(reasonOf(() => run([bytes]))).toBe('answer-unreadable');
  });

  it.each([
    ['index', '{"choices":[{"index":"0","delta":{"content":"x"}}]}'],
    ['delta', '{"choices":[{"delta":"x"}]}'],
    ['choice', '{"choices":["x"]}'],
  ])('refuses a stream whose %s is of another type', (_, data) => {
    expect(refused(`data: ${data}\n\n`)).toBe('answer-unreadable');
  });

  it('a string beside the text is masked in every event, not only in the first of its kind', () => {
    const { text } = run([Buffer.from(sse(noted('a '), noted('b '), noted('c '), '[DONE]'))]);
    expect(text).not.toContain('bob');
    expect(joined(text)).toEqual({ '0.content': 'a b c ' });
  });

  it('two texts that grow in one event stay apart', () => {
    const text = sse(bothTexts('r '), bothTexts('bob@'), chunkOf({ refusal: 'x.org ' }), '[DONE]');
    expect(joined(run([Buffer.from(text)]).text)).toEqual({ '0.content': 'q q ', '0.refusal': `r ${MASK} ` });
  });

  it('member names are masked too, and refused when they come out alike', () => {
    expect(run([Buffer.from(namesOf('bob@x.org', 'b'))]).text).toBe(sse({ choices: [], extra: { [MASK]: 1, b: 1 } }));
    expect(refused(namesOf('bob@x.org', 'al@x.org'))).toBe('answer-unreadable');
  });

  it('text where a stream has data is refused: its next fragment might look like data', () => {
    expect(refused(sse(chunkOf({ signature: 'to bob@' }), chunkOf({ signature: 'x.org' })))).toBe('answer-unreadable');
    expect(refused(sse(chunkOf({ signature: 'c2ln' }), '[DONE]'))).toBeNull();
  });

  it('more texts than an answer has are refused, before they cost memory', () => {
    const choices = Array.from({ length: 5000 }, (_, index) => ({ index, delta: { content: 'x' } }));
    expect(refused(sse({ choices: choices.slice(0, 4000) }))).toBeNull();
    expect(refused(sse({ choices }))).toBe('answer-unreadable');
  });
});
