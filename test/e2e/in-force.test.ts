import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publishedSize } from '../../src/cli/sessions-files.ts';
import { decodeLeaf } from '../../src/ledger/leaf.ts';
import { readLeaves } from '../../src/record/ledger-leaves.ts';
import { startWorld, usualConfig, type Places, type World } from '../support/world.ts';

let world: World;
let places: Places;
beforeAll(async () => {
  world = await startWorld((at) => {
    places = at;
    return usualConfig(at);
  });
});
afterAll(() => world.close());

/** Makes a call and resolves to the hash that its record cites. */
async function cited(): Promise<string> {
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }),
  });
  await answer.text();
  const id = answer.headers.get('sallyport-session') ?? '';
  const shown = await world.cli(['sessions', 'show', id, '--json']);
  const { opening }: { opening: { policy: string } } = JSON.parse(shown.stdout);
  return opening.policy;
}

async function shown(...args: string[]): Promise<{ hash: string; content: { config: { services: unknown[] } } }> {
  const { code, stdout, stderr } = await world.cli(['policy', 'show', ...args, '--json']);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Resolves to what the leaves of the ledger say was in force, in their order. */
async function namedInLedger(): Promise<readonly unknown[]> {
  const policies: unknown[] = [];
  const folder = join(world.folder, 'data');
  for await (const bytes of readLeaves(folder, 0, publishedSize(folder))) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known' && read.leaf.type === 'config') policies.push(read.leaf.policy);
  }
  return policies;
}

it('is cited by every record, named in the ledger and kept in full, whatever the config says later', async () => {
  const before = await cited();
  expect((await shown()).hash).toBe(before);
  world.configure(
    usualConfig(places).replace('protocol: openai', 'protocol: openai\n    tools: { call: [only_this] }'),
  );
  await expect.poll(() => world.log().match(/config reloaded/g)?.length ?? 0, { timeout: 30_000 }).toBe(1);
  const after = await cited();
  expect(after).not.toBe(before);
  expect((await shown()).hash).toBe(after);

  const [then, now] = [await shown(before), await shown(after.slice(0, 12))];
  expect(JSON.stringify(then.content)).not.toContain('only_this');
  expect(JSON.stringify(now.content.config.services[0])).toContain('only_this');
  expect(JSON.stringify(now.content)).toContain('{"env":"UPSTREAM_KEY"}');
  expect(readFileSync(join(world.folder, 'data/policies', `${before}.json`), 'utf8')).not.toContain('upstream-key');

  await world.stopGateway();
  const verified = await world.cli(['ledger', 'verify', 'data', '--key', 'keys/ledger.pub']);
  expect(verified).toMatchObject({ code: 0 });
  expect(await namedInLedger()).toEqual([before, after]);
});
