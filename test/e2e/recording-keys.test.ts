import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { chat } from '../support/model-answers.ts';
import { type Places, startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
let places: Places;
let config = '';

const call = async (text: string): Promise<string> => {
  world.model.next(chat('an answer'));
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: text }] }),
  });
  await answer.text();
  return answer.headers.get('sallyport-session') ?? '';
};

interface Key {
  readonly id: string;
  readonly readable: boolean;
  readonly live: boolean;
  readonly to: readonly string[];
}

const keys = async (...args: readonly string[]): Promise<readonly Key[]> =>
  JSON.parse((await world.cli(['--json', 'keys', 'list', ...args])).stdout);

const show = (id: string, ...args: readonly string[]) => world.cli(['sessions', 'show', id, '--bodies', ...args]);

/** Resolves when a session is in the index. */
const listed = (id: string): Promise<void> =>
  vi.waitFor(async () => expect((await world.cli(['--json', 'sessions', 'list'])).stdout).toContain(id), 20_000);

beforeAll(async () => {
  world = await startWorld((given) => {
    places = given;
    return usualConfig(given);
  });
  const identity = await generateIdentity();
  writeFileSync(join(world.folder, 'auditor.txt'), `# not on the gateway\n${identity}\n`);
  const recipient = await identityToRecipient(identity);
  config = usualConfig(places, `\nrecording: { recipients: [${recipient}] }\n`);
});
afterAll(() => world.close());

it('begins a new key while calls pass, and reads what is under each of them', async () => {
  const before = await call('under the first key');
  expect((await world.cli(['keys', 'rotate'])).code).toBe(0);
  const after = await call('under the second key');
  await listed(after);
  expect(await keys()).toMatchObject([{ readable: true }, { readable: true, to: ['recording.key'] }]);
  expect((await show(before)).stdout).toContain('under the first key');
  expect((await show(after)).stdout).toContain('under the second key');
});

it('goes over to recipients without a restart; a crash takes nothing, and what is over only they can read', async () => {
  world.configure(config);
  await vi.waitFor(async () => expect(await keys()).toHaveLength(3), 20_000);
  const live = await call('for the auditor');
  await listed(live);
  // what is written now the gateway can read
  expect((await show(live)).stdout).toContain('for the auditor');
  await world.stopGateway('SIGKILL');
  await world.startGateway();
  await vi.waitFor(
    async () => expect((await keys()).map(({ live: kept }) => kept)).toEqual([false, false, false, true]),
    20_000,
  );
  const refused = await show(live);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/the recording key [0-9a-f]{16} is not at hand\nhint: --identity names/);
  expect(refused.stdout).not.toContain('for the auditor');
  expect((await show(live, '--identity', 'auditor.txt')).stdout).toContain('for the auditor');
  const proof = await world.cli(['ledger', 'prove', live, '--identity', 'auditor.txt', '--out', 'proof.json']);
  expect(proof.code).toBe(0);
  expect((await world.cli(['sessions', 'verify', 'proof.json', '--key', 'keys/ledger.pub'])).code).toBe(0);
});

it('keeps what masking took away for the auditor of originals, and the reading of it is a leaf', async () => {
  const own = await generateIdentity();
  writeFileSync(join(world.folder, 'originals.txt'), `${own}\n`);
  const both = `[${await identityToRecipient(own)}]`;
  world.configure(config.replace('recording: {', `recording: { originals: ${both},`));
  await vi.waitFor(async () => expect(await keys()).toHaveLength(6), 20_000);
  world.model.next(chat('write to anna@example.com'));
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: 'whom?' }] }),
  });
  expect(await answer.text()).not.toContain('anna@');
  const id = answer.headers.get('sallyport-session') ?? '';
  await listed(id);
  const masked = await world.cli(['sessions', 'replay', id, '--speed', 'max']);
  expect(masked.stdout).toContain('<EMAIL>');
  const refused = await world.cli(['sessions', 'replay', id, '--speed', 'max', '--original']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('is not for this identity');
  const original = await world.cli([
    'sessions',
    'replay',
    id,
    '--speed',
    'max',
    '--original',
    '--identity',
    'originals.txt',
  ]);
  expect(original.stdout).toContain('anna@example.com');
});

it('promise 7: evidence convicts — a gateway that was stopped holds no copy of a key, and all of it verifies', async () => {
  await world.stopGateway();
  const files = readdirSync(join(world.folder, 'data', 'recording-keys'));
  expect(files.filter((file) => file.endsWith('.json'))).toHaveLength(6);
  expect(files.filter((file) => file.endsWith('.live'))).toEqual([]);
  const verified = await world.cli(['ledger', 'verify', 'data', '--key', 'keys/ledger.pub']);
  expect(verified.stdout).not.toContain('problem');
  expect(verified.code).toBe(0);
  const again = await world.cli(['reindex', '--identity', 'auditor.txt']);
  expect(again.stdout).toBe('4 sessions\n');
  expect((await world.cli(['reindex'])).stdout).toMatch(/^2 sessions\nproblem: .*is not at hand$/m);
});
