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

it('wraps what there is for who joins later, and destroys a key with all that is under it', async () => {
  const late = await generateIdentity();
  writeFileSync(join(world.folder, 'late.txt'), `${late}\n`);
  const [, , third] = await keys();
  const old = third?.id ?? '';
  const [auditor = ''] = third?.to ?? [];
  const both = config.replace(`[${auditor}]`, `[${auditor}, ${await identityToRecipient(late)}]`);
  world.configure(both);
  await vi.waitFor(async () => expect(await keys()).toHaveLength(7), 20_000);
  const sessions: readonly { readonly id: string }[] = JSON.parse(
    (await world.cli(['--json', 'sessions', 'list'])).stdout,
  );
  // under the third key: recorded before the crash, for the auditor alone
  const id = sessions.map((each) => each.id).toSorted()[2] ?? '';
  expect((await show(id, '--identity', 'late.txt')).stderr).toContain('is not at hand');
  const closed = await world.cli(['keys', 'wrap']);
  expect([closed.code, closed.stdout]).toEqual([1, expect.stringContaining('no identity opens it')]);
  // the first two, of the config's key, are for the recipients from here on
  const wrapped = await world.cli(['--json', 'keys', 'wrap', '--identity', 'auditor.txt']);
  expect(JSON.parse(wrapped.stdout).map(({ result }: { readonly result: string }) => result)).not.toContain('left');
  expect((await show(id, '--identity', 'late.txt')).stdout).toContain('for the auditor');
  expect((await world.cli(['keys', 'wrap', '--identity', 'auditor.txt'])).stderr).toContain('already');

  expect((await world.cli(['sessions', 'hold', id, '--why', 'a lawsuit'])).code).toBe(0);
  const held = await world.cli(['keys', 'destroy', old.slice(0, 16)]);
  expect([held.code, held.stderr]).toEqual([4, expect.stringContaining(`session ${id} is held and needs it`)]);
  expect((await world.cli(['sessions', 'release', id, '--why', 'settled'])).code).toBe(0);
  expect((await world.cli(['keys', 'destroy', old.slice(0, 16)])).code).toBe(0);
  for (const args of [
    ['show', id],
    ['replay', id, '--speed', 'max'],
    ['export', id],
  ]) {
    const gone = await world.cli(['sessions', ...args, '--identity', 'auditor.txt']);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toMatch(
      /the recording key [0-9a-f]{16} is not at hand: it was destroyed, .*\nhint: `sallyport keys/,
    );
  }
  writeFileSync(join(world.folder, 'leak.txt'), 'for the auditor');
  const found = await world.cli(['sessions', 'find', '--containing', 'leak.txt', '--identity', 'auditor.txt']);
  expect(found.stderr).toMatch(/1 sessions cannot be read, the first is .*: .* was destroyed/);
  expect((await world.cli(['keys', 'list'])).stdout).toMatch(new RegExp(`${old.slice(0, 16)}.*destroyed`));
});

it('promise 7: evidence convicts — a gateway that was stopped holds no copy of a key, and all of it verifies', async () => {
  await world.stopGateway();
  const files = readdirSync(join(world.folder, 'data', 'recording-keys'));
  expect(files.filter((file) => file.endsWith('.json'))).toHaveLength(7);
  expect(files.filter((file) => file.endsWith('.live'))).toEqual([]);
  const verified = await world.cli(['ledger', 'verify', 'data', '--key', 'keys/ledger.pub']);
  expect(verified.stdout).not.toContain('problem');
  expect(verified.code).toBe(0);
  const again = await world.cli(['reindex', '--identity', 'auditor.txt']);
  expect(again.stdout).toMatch(/^3 sessions\nproblem: .*is not at hand: it was destroyed/m);
  expect((await world.cli(['reindex'])).stdout).toMatch(/^0 sessions\nproblem: .*is not at hand$/m);
});
