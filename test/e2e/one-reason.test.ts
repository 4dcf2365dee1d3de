import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakOff, chat } from '../support/model-answers.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'write to anna@example.com' }] };
const shell = [{ type: 'function', function: { name: 'shell', parameters: {} } }];

/** A call and the word for how it ends. */
const ENDS: readonly (readonly [reason: string, who: string, body: object | string])[] = [
  ['completed', 'alice', CHAT],
  ['policy-denied', 'alice', { ...CHAT, tools: shell }],
  ['no-rule', 'ci', CHAT],
  ['approval-required', 'alice', { ...CHAT, max_tokens: 9000 }],
  ['body-unreadable', 'alice', '{"model":"m","model":"n"}'],
  ['upstream-failed', 'alice', CHAT],
];

const post = async (who: string, body: object | string): Promise<Response> =>
  fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(who === '' ? {} : { authorization: `Bearer ${await world.idp.token(who)}` }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** How often each reason stands in a metric. */
async function counted(metric: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const line of (await (await fetch(`${world.control}/metrics`)).text()).split('\n')) {
    const reason = line.startsWith(`${metric}{`) ? /reason="([^"]*)"/.exec(line)?.[1] : undefined;
    if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + Number(line.split(' ').at(-1));
  }
  return counts;
}

interface Listed {
  readonly id: string;
  readonly reason: string;
}

const recorded = async (id: string): Promise<string | undefined> => {
  const listed: readonly Listed[] = JSON.parse((await world.cli(['--json', 'sessions', 'list'])).stdout);
  return listed.find((session) => session.id === id)?.reason;
};

const logged = (id: string): unknown =>
  world
    .log()
    .split('\n')
    .filter((line) => line.includes(id) && line.includes('"reason"'))
    .map((line) => {
      const { reason }: { readonly reason: unknown } = JSON.parse(line);
      return reason;
    })[0];

describe('promise 5: one reason', () => {
  it.each(ENDS)('%s is the word in the answer, the record, the metric and the log', async (reason, who, body) => {
    if (reason === 'upstream-failed') world.model.next(breakOff(chat('a long enough answer'), 10));
    const before = await counted('sallyport_calls_total');
    const answer = await post(who, body);
    const text = await answer.text();
    if (reason === 'completed') expect(answer.status).toBe(200);
    else expect(text).toContain(`"reason":"${reason}"`);
    const id = answer.headers.get('sallyport-session') ?? '';
    await expect.poll(() => logged(id), { timeout: 5_000 }).toBe(reason);
    await expect.poll(() => recorded(id), { timeout: 10_000 }).toBe(reason);
    const after = await counted('sallyport_calls_total');
    expect(after).toEqual({ ...before, [reason]: (before[reason] ?? 0) + 1 });
  });

  it('is counted for strangers too', async () => {
    const before = await counted('sallyport_refused_requests_total');
    expect(await (await post('', CHAT)).text()).toContain('"reason":"no-token"');
    expect(await counted('sallyport_refused_requests_total')).toEqual({
      ...before,
      'no-token': (before['no-token'] ?? 0) + 1,
    });
  });
});

describe('promise 2: one reading', () => {
  it('is on record as it came and as it was forwarded, byte for byte what the model server got', async () => {
    const answer = await post('alice', CHAT);
    await answer.text();
    const id = answer.headers.get('sallyport-session') ?? '';
    const { stdout } = await world.cli(['--json', 'sessions', 'show', '--bodies', id]);
    const got = world.model.requests.at(-1)?.body.toString() ?? '';
    expect(got).toContain('write to <EMAIL>');
    expect(stdout).toContain(JSON.stringify(got).slice(1, -1));
    expect(stdout).toContain(JSON.stringify(JSON.stringify(CHAT)).slice(1, -1));
  });
});
