import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** Words that nobody can compress by much. */
const PROMPT = Array.from(randomBytes(100_000), (byte, at) =>
  at % 7 === 6 ? ' ' : String.fromCharCode(97 + (byte % 26)),
).join('');

async function post(): Promise<{ readonly status: number; readonly session: string; readonly text: string }> {
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: PROMPT }] }),
  });
  return { status: answer.status, session: answer.headers.get('sallyport-session') ?? '', text: await answer.text() };
}

describe('promise 3: no evidence, no answer', () => {
  it('refuses every call from the first one that cannot be written on, and nothing more reaches the model', async () => {
    await world.stopGateway();
    // room for some twenty calls
    await world.startGateway({ fileBlocks: 4096 });
    const answered: string[] = [];
    let refused = await post();
    for (let calls = 0; refused.status === 200 && calls < 200; calls++) {
      answered.push(refused.session);
      refused = await post();
    }
    expect(answered.length).toBeGreaterThan(5);
    expect(refused).toMatchObject({ status: 503 });
    expect(refused.text).toContain('"reason":"evidence-unavailable"');

    const reached = world.model.requests.length;
    for (let more = 0; more < 5; more++) expect((await post()).text).toContain('"reason":"evidence-unavailable"');
    expect(world.model.requests).toHaveLength(reached);
    expect((await fetch(`${world.control}/readyz`)).status).toBe(503);

    // after a restart with room, every call that was answered is on record
    await world.stopGateway('SIGKILL');
    await world.startGateway();
    await world.stopGateway();
    const listed: readonly { readonly id: string }[] = JSON.parse(
      (await world.cli(['--json', 'sessions', 'list', '--limit', '500'])).stdout,
    );
    const ids = new Set(listed.map(({ id }) => id));
    expect(answered.filter((id) => !ids.has(id))).toEqual([]);
    expect((await world.cli(['ledger', 'verify', 'data', '--key', 'keys/ledger.pub'])).code).toBe(0);
  });
});
