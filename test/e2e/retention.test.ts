import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { chat } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
const sessions: Record<string, string> = {};

const KEEP = `
recording:
  keep: 90d
  retention:
    - { name: soon, services: [any], keep: 1s }
    - { name: cards, findings: [credit_card], keep: 1s }
`;

const call = async (name: string, service: string, text: string): Promise<void> => {
  world.model.next(chat('an answer'));
  const answer = await fetch(`${world.url}/${service}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: text }] }),
  });
  await answer.text();
  sessions[name] = answer.headers.get('sallyport-session') ?? '';
};

const listed = async (): Promise<readonly string[]> => {
  const rows: readonly { readonly id: string }[] = JSON.parse((await world.cli(['--json', 'sessions', 'list'])).stdout);
  return rows.map(({ id }) => id);
};

beforeAll(async () => {
  world = await startWorld((places) => usualConfig(places, KEEP));
  await call('usual', 'llm', 'hello');
  await call('card', 'llm', 'my card is 4111 1111 1111 1111');
  await call('any', 'any', 'hello');
  await call('held', 'any', 'hello');
  await vi.waitFor(async () => expect(await listed()).toHaveLength(4), 20_000);
  expect((await world.cli(['sessions', 'hold', sessions['held']!, '--why', 'a case'])).code).toBe(0);
  await world.stopGateway();
  // their second is over long before the gateway is up again
  await world.startGateway();
});
afterAll(() => world.close());

it('erases what its rules say, in the background of a gateway that takes calls, and keeps what is held', async () => {
  await vi.waitFor(
    async () => expect(new Set(await listed())).toEqual(new Set([sessions['usual'], sessions['held']])),
    {
      timeout: 30_000,
      interval: 500,
    },
  );
  await call('later', 'llm', 'hello again');
  expect((await world.cli(['sessions', 'show', sessions['card']!])).stderr).toMatch(/was erased at .*: cards$/m);
  expect((await world.cli(['sessions', 'show', sessions['any']!])).stderr).toMatch(/was erased at .*: soon$/m);
  expect((await world.cli(['sessions', 'show', sessions['usual']!, '--bodies'])).stdout).toContain('hello');
  const metrics = await (await fetch(`${world.control}/metrics`)).text();
  expect(metrics).toMatch(/^sallyport_sessions_erased_total 2$/m);
});

it('promise 7: evidence convicts — what is left verifies, and what was erased is told from what is missing', async () => {
  await world.stopGateway();
  const verified = await world.cli(['ledger', 'verify', 'data', '--key', 'keys/ledger.pub']);
  expect(verified.stdout).toMatch(/, 2 erased: verified$/m);
  expect(verified.code).toBe(0);
  expect(readdirSync(join(world.folder, 'data', 'erasing'))).toEqual(['aside']);
});
