/** A body or an answer that is slow to look through, or too large to hold, is refused with its reason, and the gateway goes on. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { chat } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places, 'limits: { inspection: 300ms, buffered: 24MiB }\nworkers: 1'),
  );
});
afterAll(() => world.close());

/** Numbers behind words that say what they are, of which each is looked at by a dozen detectors. */
const SLOW = 'tel passport bank account 4111 1111 ';

const ask = async (content: string) => {
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
  });
  return { status: answer.status, text: await answer.text() };
};

it('refuses what takes longer to inspect than the config allows, and takes the next call', async () => {
  const { status, text } = await ask(SLOW.repeat(12e6 / SLOW.length));
  expect(status).toBe(413);
  expect(text).toContain('"reason":"inspection-limit"');
  world.model.next(chat('x'));
  // its own inspection is a thousandth of that
  expect((await ask('hello')).status).toBe(200);
});

it('lets no answer pass that takes longer to mask, and takes the next call', async () => {
  // more than a million addresses, each of them masked and digested: some seconds of work on any machine
  world.model.next(chat('bob@example.com '.repeat(1_250_000)));
  const { status, text } = await ask('hello');
  expect(status).toBe(502);
  expect(text).toContain('"reason":"answer-unreadable"');
  expect(text.length).toBeLessThan(10_000);
  world.model.next(chat('x'));
  expect((await ask('hello')).status).toBe(200);
});

it('holds no more of answers than the config allows, and gives the memory back', async () => {
  for (let i = 0; i < 3; i++) {
    world.model.next(chat('x'.repeat(32e6)));
    const { status, text } = await ask('hello');
    expect(status).toBe(503);
    expect(text).toContain('"reason":"overloaded"');
  }
  world.model.next(chat('x'));
  expect((await ask('hello')).status).toBe(200);
});
