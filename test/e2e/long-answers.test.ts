/** An answer that is long to mask holds its own caller up and nobody else. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOf, chat } from '../support/model-answers.ts';
import type { Answer } from '../support/model-server.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

/** About the most that a text can make the scan do: some MB/s. */
const SLOW = 'tel passport bank account 4111 1111 ';
const MIB = 1024 ** 2;

let world: World;
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places, 'limits: { inspection: 10m, body_timeout: 10m }\nworkers: 1'),
  );
});
afterAll(() => world.close());

const ask = async (content = 'hello', signal?: AbortSignal): Promise<Response> =>
  fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
    ...(signal === undefined ? {} : { signal }),
  });

/** An answer whose last byte waits until it is let go. */
const gated = (answer: Answer) => {
  const bytes = bodyOf(answer);
  const gate = Promise.withResolvers<void>();
  const steps = [{ send: bytes.subarray(0, -1) }, { until: gate.promise }, { send: bytes.subarray(-1) }];
  return { answer: { ...answer, steps }, release: () => gate.resolve() };
};

/** Asks one after another until `over`, and returns how often an answer came before. */
const askMeanwhile = async (over: () => boolean): Promise<number> => {
  for (let count = 0; ; count++) {
    const answer = await ask();
    expect(answer.status).toBe(200);
    await answer.text();
    if (over()) return count;
  }
};

describe('an answer of 32 MiB', () => {
  const { answer, release } = gated(chat(`${SLOW.repeat((32 * MIB) / SLOW.length)} bob@example.com`));

  it('is masked whole, and other callers of the same worker are answered meanwhile', { timeout: 300_000 }, async () => {
    world.model.next(answer);
    let headed = false;
    const long = ask().then((response) => {
      headed = true;
      return response;
    });
    await world.model.seen(world.model.requests.length);
    for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(200);
    release();
    // were it masked in one go, one or two could come between its last byte and its head
    expect(await askMeanwhile(() => headed)).toBeGreaterThan(5);
    const text = await (await long).text();
    expect(text.length).toBeGreaterThan(31 * MIB);
    expect(text).toContain('<EMAIL>');
    expect(text).not.toContain('bob@');
  });
});

describe('a request of 8 MiB', () => {
  it('is inspected and masked, and other callers are answered meanwhile', { timeout: 300_000 }, async () => {
    let over = false;
    const before = world.model.requests.length;
    const long = ask('bob@example.com '.repeat((8 * MIB) / 16)).then((response) => {
      over = true;
      return response;
    });
    expect(await askMeanwhile(() => over)).toBeGreaterThan(5);
    expect((await long).status).toBe(200);
    const sent = world.model.requests.slice(before).find(({ body }) => body.length > MIB);
    expect(sent?.body.includes('<EMAIL> <EMAIL>')).toBe(true);
    expect(sent?.body.includes('bob@')).toBe(false);
  });
});

describe('a caller who leaves', () => {
  it('is masked for no longer: its call is over, and the next one of its size has the thread', {
    timeout: 300_000,
  }, async () => {
    const { answer, release } = gated(chat(SLOW.repeat((8 * MIB) / SLOW.length)));
    const leaving = new AbortController();
    world.model.next(answer);
    const left = ask('hello', leaving.signal).catch(() => null);
    await world.model.seen(world.model.requests.length);
    release();
    for (let i = 0; i < 3; i++) expect((await ask()).status).toBe(200);
    leaving.abort();
    expect(await left).toBeNull();
    const { stdout } = await world.cli(['sessions', 'list', '--json', '--limit', '1000'], 'alice');
    expect(stdout.split('"caller-left"')).toHaveLength(2);
  });
});
