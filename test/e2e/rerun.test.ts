import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { chat } from '../support/model-answers.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let first: string;

beforeAll(async () => {
  world = await startWorld();
  world.model.next(chat('the old answer'));
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: 'the same question' }] }),
  });
  await answer.text();
  first = answer.headers.get('sallyport-session') ?? '';
  await vi.waitFor(async () => expect((await world.cli(['sessions', 'show', first])).code).toBe(0), 20_000);
});
afterAll(() => world.close());

const rerun = (who: string, ...more: readonly string[]) =>
  world.cli(['--json', 'sessions', 'rerun', first, '--gateway', world.url, ...more], who);

it('makes a call of whoever reruns it, linked to the one that it repeats, and shows the difference', async () => {
  world.model.next(chat('the new answer'));
  const ran = await rerun('alice');
  expect(ran.stderr).toMatch(new RegExp(`^session \\w{26} repeats ${first}\n`));
  const diff: {
    readonly session: string;
    readonly facts: readonly { readonly name: string }[];
    readonly request: readonly { readonly in: string }[];
    readonly answer: readonly { readonly in: string; readonly text: string }[];
  } = JSON.parse(ran.stdout);
  expect(diff.request.every((line) => line.in === 'both')).toBe(true);
  expect(diff.answer).toEqual(
    expect.arrayContaining([
      { in: 'a', text: 'the old answer' },
      { in: 'b', text: 'the new answer' },
    ]),
  );
  expect(diff.facts.map(({ name }) => name)).toContain('caller');
  const shown = await world.cli(['sessions', 'show', diff.session]);
  expect(shown.stdout).toMatch(new RegExp(`^repeats +${first}$`, 'm'));
  expect(shown.stdout).toMatch(/^caller +alice /m);
  // the model server never hears of it
  expect(JSON.stringify(world.model.requests.at(-1))).not.toContain('replay-of');
});

it('is under the policies of whoever reruns it', async () => {
  const ran = await rerun('ci');
  expect(JSON.parse(ran.stdout).facts).toContainEqual({ name: 'reason', a: 'completed', b: 'no-rule' });
});
