import assert from 'node:assert/strict';
import { SECRETS } from '../model.ts';
import { tell, tellAnswer, tellCommand } from '../tell.ts';
import { timeline, type Piece } from '../timeline.ts';
import { MODEL, type Step } from './step.ts';

const MASKED =
  'Maria Lindqvist is your contact. Write to <EMAIL>, charge her card <CREDIT_CARD>, ' +
  'and push with the token <SECRET> until Friday.';

/** A streamed answer arrives masked, although what is masked straddles chunks. */
export const maskedStream: Step = {
  title: 'A streamed answer arrives with an e-mail, a card and a secret masked, although they straddle chunks',
  why: 'For every way to cut a text, the masked stream equals the masked whole. Only what may be part of a finding waits.',
  async run({ model, alice, client, left }) {
    tellCommand(
      `await openai.chat.completions.create({ model: '${MODEL}', stream: true,`,
      `  messages: [{ role: 'user', content: 'Who is Maria?' }] });`,
    );
    const { data, response } = await client(alice)
      .chat.completions.create({ model: MODEL, stream: true, messages: [{ role: 'user', content: 'Who is Maria?' }] })
      .withResponse();
    left.streamedSession = response.headers.get('sallyport-session') ?? '';
    const received: Piece[] = [];
    for await (const chunk of data)
      received.push({ at: performance.now(), text: chunk.choices[0]?.delta.content ?? '' });
    const sent = model.calls.at(-1)?.writes.map(({ at, text }) => ({ at, text: contentOf(text) })) ?? [];
    tellAnswer(timeline(['the model server sent', sent], ['Alice received', received]), 60);

    tell(`Alice's text: ${whole(received)}`);
    for (const secret of SECRETS) {
      assert.ok(whole(sent).includes(secret), 'the model server did not say what it should');
      assert.ok(
        sent.every(({ text }) => !text.includes(secret)),
        'a finding came in one chunk',
      );
    }
    assert.equal(whole(received), MASKED);
    assert.ok(received.filter(({ text }) => text !== '').length > 10, 'the answer was not streamed');
    return 'the three findings, each cut over several chunks, arrived as <EMAIL>, <CREDIT_CARD> and <SECRET>';
  },
};

const whole = (pieces: readonly Piece[]): string => pieces.map(({ text }) => text).join('');

/** Returns the model's text in the events of one write. */
const contentOf = (events: string): string =>
  Array.from(events.matchAll(/"content":("(?:[^"\\]|\\.)*")/g), ([, literal]) =>
    String(JSON.parse(literal ?? '""')),
  ).join('');
