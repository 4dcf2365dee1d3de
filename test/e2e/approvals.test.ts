import OpenAI, { PermissionDeniedError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const big = (content: string) =>
  JSON.stringify({ model: 'm', max_tokens: 9000, messages: [{ role: 'user', content }] });

async function post(
  who: string,
  body: string,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
) {
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': 'application/json', ...headers },
    body,
    signal,
  });
  const json: Readonly<Record<string, string>> = JSON.parse(await answer.text());
  return { status: answer.status, headers: answer.headers, json };
}

/** What the API says of an approval, or of several. */
interface Shown {
  readonly digest?: string;
  readonly body?: string;
  readonly state?: string;
  readonly subject?: string;
  readonly approvals?: readonly { readonly id: string }[];
}

async function api(who: string, path: string, vote?: object) {
  const answer = await fetch(`${world.control}/api/v1${path}`, {
    method: vote === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': 'application/json' },
    ...(vote === undefined ? {} : { body: JSON.stringify(vote) }),
  });
  const json: Shown = JSON.parse(await answer.text());
  return { status: answer.status, json };
}

async function vote(who: string, id: string, decision: 'approve' | 'deny') {
  const { json } = await api('bob', `/approvals/${id}`);
  return api(who, `/approvals/${id}/votes`, { decision, digest: json.digest, reason: 'test' });
}

async function pending(content: string): Promise<string> {
  for (;;) {
    const { json } = await api('bob', '/approvals?state=pending');
    for (const { id } of json.approvals ?? []) {
      const shown = await api('bob', `/approvals/${id}`);
      if (Buffer.from(String(shown.json.body), 'base64').toString().includes(content)) return id;
    }
  }
}

describe('a call that needs a human', () => {
  it('promise 6: approvals bind — refused, approved by another person, sent again, passed once', async () => {
    const before = world.model.requests.length;
    const first = await post('alice', big('one'));
    expect(first).toMatchObject({ status: 403, json: { reason: 'approval-required' } });
    expect(first.headers.get('x-should-retry')).toBe('false');
    const id = first.json['approval']!;

    const early = await post('alice', big('one'), { 'sallyport-approval': id });
    expect(early.json['reason']).toBe('approval-required');
    expect(await vote('alice', id, 'approve')).toMatchObject({ status: 403 });
    expect(await vote('bob', id, 'approve')).toMatchObject({ status: 200, json: { state: 'approved' } });

    expect((await post('alice', big('another'), { 'sallyport-approval': id })).json['reason']).toBe(
      'approval-mismatch',
    );
    expect((await post('carol', big('one'), { 'sallyport-approval': id })).json['reason']).toBe('approval-unknown');
    expect(world.model.requests).toHaveLength(before);

    const passed = await post('alice', big('one'), { 'sallyport-approval': id });
    expect(passed.status).toBe(200);
    expect(world.model.requests).toHaveLength(before + 1);
    expect(world.model.requests.at(-1)?.body.toString()).toBe(big('one'));

    expect((await post('alice', big('one'), { 'sallyport-approval': id })).json['reason']).toBe('approval-used');
    expect(world.model.requests).toHaveLength(before + 1);
  });

  it('is not retried by the openai client, which shows what to do', async () => {
    const openai = new OpenAI({
      baseURL: `${world.url}/llm/v1`,
      apiKey: await world.idp.token('alice'),
      maxRetries: 5,
    });
    const error: unknown = await openai.chat.completions
      .create({ model: 'm', max_tokens: 9000, messages: [{ role: 'user', content: 'sdk' }] })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(String(error)).toMatch(/group:ml-leads.*sallyport-approval: ap-/);
  });

  it('waits when it says so, and passes with the masked bytes that were shown', async () => {
    const waiting = post('alice', big('wait anna@example.com'), { prefer: 'wait=30' });
    const id = await pending('wait <EMAIL>');
    await vote('bob', id, 'approve');
    expect((await waiting).status).toBe(200);
    expect(world.model.requests.at(-1)?.body.toString()).toBe(big('wait <EMAIL>'));
  });

  it('waits and is denied', async () => {
    const before = world.model.requests.length;
    const waiting = post('alice', big('wait for no'), { prefer: 'wait=30' });
    await vote('bob', await pending('wait for no'), 'deny');
    expect(await waiting).toMatchObject({ status: 403, json: { reason: 'approval-denied' } });
    expect(world.model.requests).toHaveLength(before);
  });

  it('is told how to come back when nobody decides in time', async () => {
    expect(await post('alice', big('slow'), { prefer: 'wait=1' })).toMatchObject({
      status: 403,
      json: { reason: 'approval-required' },
    });
  });

  it('is cancelled when its caller leaves', async () => {
    const controller = new AbortController();
    const waiting = post('alice', big('leaving'), { prefer: 'wait=30' }, controller.signal).catch(() => null);
    const id = await pending('leaving');
    controller.abort();
    await waiting;
    for (let state: unknown = 'pending'; state === 'pending'; ) {
      ({ state } = (await api('bob', `/approvals/${id}`)).json);
      if (state !== 'pending') expect(state).toBe('cancelled');
    }
  });
});

describe('the API', () => {
  it('knows nobody without a token, and shows an approval only to its parties', async () => {
    expect((await fetch(`${world.control}/api/v1/approvals`)).status).toBe(401);
    const { json } = await post('alice', big('private'));
    expect((await api('carol', `/approvals/${json['approval']}`)).status).toBe(404);
    expect((await api('alice', `/approvals/${json['approval']}`)).status).toBe(200);
    expect(await api('carol', '/whoami')).toMatchObject({ status: 200, json: { subject: 'carol', kind: 'human' } });
  });
});
