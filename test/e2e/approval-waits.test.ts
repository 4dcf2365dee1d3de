/** Calls that wait for a human while the world around them changes: what they come to is decided as things are then. */

import { afterEach, describe, expect, it } from 'vitest';
import { startWorld, usualConfig, type Places, type World } from '../support/world.ts';

let world: World | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

interface Started {
  readonly world: World;
  readonly places: Places;
}

async function start(edit: (config: string) => string = (config) => config): Promise<Started> {
  let places: Places | null = null;
  world = await startWorld((at) => {
    places = at;
    return edit(usualConfig(at));
  });
  if (places === null) throw new Error('expected places');
  return { world, places };
}

const post = (url: string, token: string): Promise<Response> =>
  fetch(`${url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=50' },
    body: JSON.stringify({ model: 'm', max_tokens: 9000, messages: [] }),
  });

interface Pending {
  readonly id: string;
  readonly digest: string;
}

/** Resolves to the approval that is pending, as soon as there is one. */
async function pending({ world: { control, idp } }: Started): Promise<Pending> {
  const authorization = `Bearer ${await idp.token('bob')}`;
  for (;;) {
    const answer = await fetch(`${control}/api/v1/approvals?state=pending`, { headers: { authorization } });
    const { approvals }: { approvals: readonly Pending[] } = JSON.parse(await answer.text());
    const [first] = approvals;
    if (first !== undefined) return first;
  }
}

async function approve({ world: { control, idp } }: Started, { id, digest }: Pending): Promise<void> {
  const answer = await fetch(`${control}/api/v1/approvals/${id}/votes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await idp.token('bob')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ decision: 'approve', digest, reason: 'test' }),
  });
  expect(answer.status).toBe(200);
}

describe('a call that waits for a human', () => {
  it('promise 1: does not pass when its token has expired meanwhile', async () => {
    const started = await start((config) => config.replace('identity:\n', 'identity:\n  clock_skew: 0s\n'));
    const { idp, model, url } = started.world;
    const token = await idp.token('alice', { lifetime: 3 });
    const waiting = post(url, token);
    const asked = await pending(started);
    // until nobody is let in with it any more
    const isIn = async (): Promise<boolean> =>
      (await fetch(`${url}/any/x`, { headers: { authorization: `Bearer ${token}` } })).status !== 401;
    while (await isIn());
    const before = model.requests.length;
    await approve(started, asked);
    const answer = await waiting;
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('"reason":"token-expired"');
    expect(model.requests).toHaveLength(before);
  });

  it('promise 6: does not pass by rules that are no more; it is decided anew when it comes again', async () => {
    const started = await start();
    const { model, url, idp, log } = started.world;
    const waiting = post(url, await idp.token('alice'));
    const asked = await pending(started);
    const denying = '  - { name: no-more, when: \'call.model == "m"\', then: deny }\nmasking:\n';
    started.world.configure(usualConfig(started.places).replace('masking:\n', denying));
    await expect.poll(() => log().includes('config reloaded'), { timeout: 30_000 }).toBe(true);
    await approve(started, asked);
    const answer = await waiting;
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('"reason":"approval-required"');
    expect(model.requests).toHaveLength(0);
  });
});
