import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { chat, chatStream } from '../support/model-answers.ts';
import { startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

let world: World;
const sessions: Record<string, string> = {};

const call = async (name: string, who: string, body: object): Promise<void> => {
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: `prompt of ${name}` }], ...body }),
  });
  await answer.text();
  sessions[name] = answer.headers.get('sallyport-session') ?? '';
};

beforeAll(async () => {
  world = await startWorld();
  world.model.next(chat('a whole answer to anna@example.com'));
  await call('whole', 'alice', {});
  world.model.next(chatStream(['One. ', 'Two. ', 'Three.'], { pause: 40 }));
  await call('stream', 'carol', { stream: true });
  await call('denied', 'alice', { tools: [{ type: 'function', function: { name: 'shell' } }] });
  await call('held', 'alice', { max_tokens: 9000 });
  await call('nobody', 'ci', {});
  await fetch(`${world.url}/llm/v1/models`);
  // while the gateway holds the ledger, it is asked to seal who reads what
  await vi.waitFor(
    async () => expect((await world.cli(['sessions', 'show', sessions['whole']!])).code).toBe(0),
    10_000,
  );
  await world.cli(['sessions', 'hold', sessions['stream']!, '--why', 'a case']);
  // sealed and indexed in the background; the end of the gateway is a point where all of it is
  await world.stopGateway();
});
afterAll(() => world.close());

const json = async (...args: readonly string[]): Promise<unknown> => {
  const ran = await world.cli(['--json', ...args]);
  expect(ran.stderr).toBe('');
  expect(ran.code).toBe(0);
  return JSON.parse(ran.stdout);
};

describe('the record of every call', () => {
  it('promise 5: one reason — lists them all, with the reason each ended with', async () => {
    const listed: unknown = await json('sessions', 'list');
    expect(listed).toEqual(
      expect.arrayContaining(
        (
          [
            ['whole', 'completed'],
            ['stream', 'completed'],
            ['denied', 'policy-denied'],
            ['held', 'approval-required'],
            ['nobody', 'no-rule'],
          ] as const
        ).map(([name, reason]) => expect.objectContaining({ id: sessions[name], reason, service: 'llm' })),
      ),
    );
    expect(listed).toHaveLength(5);
  });

  it('shows a call: who, what, the verdict, what was found', async () => {
    const shown = await world.cli(['sessions', 'show', sessions['whole']!]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('alice');
    expect(shown.stdout).toContain('ml-may');
    expect(shown.stdout).toContain('out: email 1');
    // the answer as the caller saw it
    const replayed = await world.cli(['sessions', 'replay', sessions['whole']!]);
    expect(replayed.stdout).toContain('<EMAIL>');
    expect(replayed.stdout).not.toContain('anna@example.com');
  });

  it('replays a stream with its timing', async () => {
    const began = performance.now();
    const replayed = await world.cli(['sessions', 'replay', sessions['stream']!]);
    expect(replayed.code).toBe(0);
    expect(replayed.stdout).toContain('One. ');
    expect(replayed.stdout).toContain('Three.');
    expect(performance.now() - began).toBeGreaterThan(120);
  });

  it('promise 8: holds no credential, encrypted or not', async () => {
    const { stdout } = await world.cli(['--json', 'sessions', 'replay', sessions['whole']!]);
    expect(stdout).not.toContain(UPSTREAM_KEY);
    expect(stdout).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  it('keeps nothing readable on the disk', () => {
    const data = join(world.folder, 'data');
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const text = readFileSync(join(file.parentPath, file.name)).toString('latin1');
      for (const word of ['prompt of', 'whole answer', UPSTREAM_KEY]) expect(text, file.name).not.toContain(word);
    }
  });

  it('holds who read a call and who holds one, without their names', async () => {
    const leaves = readdirSync(join(world.folder, 'data', 'ledger', 'tile', 'entries', '000.p')).map(Number);
    const widest = String(Math.max(...leaves));
    const text = readFileSync(join(world.folder, 'data', 'ledger', 'tile', 'entries', '000.p', widest)).toString(
      'latin1',
    );
    expect(text).toMatch(new RegExp(`"how":"show".*"sid":"${sessions['whole']}".*"type":"read"`));
    expect(text).toMatch(new RegExp(`"sid":"${sessions['stream']}".*"type":"hold.set"`));
    expect(text).not.toContain('a case');
  });

  it('comes out the same from the journals alone', async () => {
    const before = await json('sessions', 'list');
    for (const name of ['index.db', 'index.db-wal', 'index.db-shm'])
      rmSync(join(world.folder, 'data', name), { force: true });
    expect((await world.cli(['reindex'])).code).toBe(0);
    expect(await json('sessions', 'list')).toEqual(before);
  });
});

describe('promise 7: evidence convicts', () => {
  const verify = (folder: string) => world.cli(['ledger', 'verify', folder, '--key', 'keys/ledger.pub']);

  it('verifies what the gateway wrote, and says that freshness is not proven', async () => {
    const { code, stdout, stderr } = await verify('data');
    expect(code, stdout + stderr).toBe(0);
    expect(stdout + stderr).toMatch(/freshness: not proven/);
  });

  it('names the session when one byte of its record is changed', async () => {
    cpSync(join(world.folder, 'data'), join(world.folder, 'copy'), { recursive: true });
    const journals = join(world.folder, 'copy', 'journal');
    const name = readdirSync(journals)[0]!;
    const bytes = readFileSync(join(journals, name));
    const at = Math.floor(bytes.length / 2);
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(join(journals, name), bytes);
    const { code, stdout, stderr } = await verify('copy');
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(name);
    expect(Object.values(sessions).some((id) => (stdout + stderr).includes(id))).toBe(true);
  });

  it('convicts another key', async () => {
    const other = await world.cli(['init', '--dir', 'other']);
    expect(other.code).toBe(0);
    const { code } = await world.cli(['ledger', 'verify', 'data', '--key', 'other/keys/ledger.pub']);
    expect(code).toBe(1);
  });
});
