import { once } from 'node:events';
import { connect } from 'node:net';
import Anthropic, { RateLimitError as AnthropicRateLimitError } from '@anthropic-ai/sdk';
import OpenAI, { APIError, RateLimitError } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chat,
  chatStream,
  chatTools,
  failure,
  message,
  messageStream,
  responsesStream,
} from '../support/model-answers.ts';
import type { Answer } from '../support/model-server.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

/** Rules that limit whoever is in the group of the same name: each test has callers of its own. */
const LIMITS = `
  - { name: five-a-minute, when: '"five" in caller.groups', limit: { per: [caller], requests: 5, within: 1m } }
  - { name: three-a-second, when: '"patient" in caller.groups', limit: { per: [caller], requests: 3, within: 1s } }
  - { name: three-an-hour, when: '"hour" in caller.groups', limit: { per: [caller], requests: 3, within: 1h } }
  - { name: few-tokens, when: '"tokens" in caller.groups', limit: { per: [caller], tokens: 100, within: 1m } }
  - { name: few-answer-tokens, when: '"answers" in caller.groups', limit: { per: [caller, model], answer_tokens: 30, within: 1m } }
  - { name: few-bytes, when: '"bytes" in caller.groups', limit: { per: [caller], answer_bytes: 2000B, within: 1m } }
  - { name: cheap, when: '"spend" in caller.groups', limit: { per: [caller], spend: 0.0005, within: 1m } }
  - { name: few-inputs, when: '"inputs" in caller.groups', limit: { per: [caller, model], distinct_inputs: 10, within: 1m } }
  - { name: two-at-once, when: '"two" in caller.groups', limit: { per: [caller], concurrent: 2 } }
  - { name: team, when: '"team" in caller.groups', limit: { per: [group], requests: 4, within: 1m } }
  - { name: unsure, when: 'caller.claims.tenant == "trial" && "unsure" in caller.groups', limit: { requests: 1, within: 1m } }
`;

const config = (places: Parameters<typeof usualConfig>[0], most = 5): string =>
  usualConfig(places, 'prices: [{ model: "model-*", input: 10, output: 100 }]\nworkers: 2\n')
    .replace('masking:', `${LIMITS.replace('requests: 5', `requests: ${most}`)}\nmasking:`)
    .replace('"ml" in caller.groups', '"all" in caller.groups');

let world: World;
beforeAll(async () => {
  world = await startWorld(config);
});
afterAll(() => world.close());
beforeEach(() =>
  world.model.always((request) =>
    /"stream":\s*true/.test(request.body.toString()) ? chatStream(['Hi.']) : chat('Hi.'),
  ),
);

let people = 0;
/** Returns the token of somebody new in these groups. */
const somebody = (groups: readonly string[], claims: Readonly<Record<string, unknown>> = {}): string => {
  const now = Math.floor(Date.now() / 1000);
  const sub = `person-${++people}`;
  return world.idp.sign(
    {
      iss: world.idp.issuer,
      aud: 'sallyport',
      sub,
      iat: now,
      exp: now + 600,
      groups: ['all', ...groups],
      tenant: 'a',
      ...claims,
    },
    { typ: 'at+jwt' },
  );
};

const openai = (token: string, maxRetries = 0): OpenAI =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: token, maxRetries });
const anthropic = (token: string): Anthropic =>
  new Anthropic({ baseURL: `${world.url}/claude`, apiKey: token, maxRetries: 0 });
const ask = { model: 'model-1', messages: [{ role: 'user' as const, content: 'hello' }] };
const asking = { ...ask, max_tokens: 8 };

const thrown = async (call: PromiseLike<unknown>): Promise<unknown> =>
  call.then(
    () => new Error('the call passed'),
    (error: unknown) => error,
  );

const collect = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
};

/** Streams without end until the reader leaves; text pieces of 20 bytes, so 5 tokens each. */
const endless = (pieces: number): Answer =>
  chatStream(
    Array.from({ length: pieces }, () => 'twenty bytes of text'),
    { pause: 1 },
  );

describe('requests beyond a limit', () => {
  it('are refused with 429, as the RateLimitError of the openai client, and never reach the model', async () => {
    const client = openai(somebody(['five']));
    for (let call = 0; call < 5; call++) await client.chat.completions.create(ask);
    const before = world.model.requests.length;
    const error = await thrown(client.chat.completions.create(ask));
    if (!(error instanceof RateLimitError)) throw error;
    expect(error).toMatchObject({ status: 429, code: 'rate-limited', type: 'rate_limit_error' });
    expect(error.message).toContain('At most 5 requests within 1m.');
    const retryAfter = Number(error.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(50);
    expect(retryAfter).toBeLessThanOrEqual(63);
    expect(world.model.requests).toHaveLength(before);
  });

  it('are refused as the RateLimitError of the anthropic client', async () => {
    const client = anthropic(somebody(['five']));
    world.model.always(() => message('hi'));
    for (let call = 0; call < 5; call++) await client.messages.create(asking);
    const error = await thrown(client.messages.create(asking));
    expect(error).toBeInstanceOf(AnthropicRateLimitError);
    expect(error).toMatchObject({ status: 429, error: { error: { type: 'rate_limit_error', code: 'rate-limited' } } });
  });

  it('pass again exactly when Retry-After says, so that a client that retries needs one retry', async () => {
    const client = openai(somebody(['patient']), 2);
    const began = performance.now();
    for (let call = 0; call < 4; call++) await client.chat.completions.create(ask);
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it('are not retried when the wait is longer than a client would wait', async () => {
    const client = openai(somebody(['hour']), 5);
    for (let call = 0; call < 3; call++) await client.chat.completions.create(ask);
    const began = performance.now();
    const error = await thrown(client.chat.completions.create(ask));
    if (!(error instanceof RateLimitError)) throw error;
    expect(performance.now() - began).toBeLessThan(400);
    expect(error.headers.get('x-should-retry')).toBe('false');
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(3_400);
  });

  it('are counted together by all workers: of many at once, exactly as many pass as may', async () => {
    const token = somebody(['five']);
    // a connection each, so that the kernel spreads them over the workers
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () =>
        fetch(`${world.url}/llm/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
          body: JSON.stringify(ask),
        }).then(({ status }) => status),
      ),
    );
    expect(outcomes.filter((status) => status === 200)).toHaveLength(5);
    expect(outcomes.filter((status) => status === 429)).toHaveLength(25);
  });

  it('count for each caller alone, and for a group together', async () => {
    const [one, other] = [openai(somebody(['team'])), openai(somebody(['team']))];
    for (let call = 0; call < 2; call++) {
      await one.chat.completions.create(ask);
      await other.chat.completions.create(ask);
    }
    expect(await thrown(other.chat.completions.create(ask))).toBeInstanceOf(RateLimitError);
    await openai(somebody(['five'])).chat.completions.create(ask);
  });

  it('count where the condition of the limit has an error', async () => {
    await openai(somebody([], { tenant: 'other' })).chat.completions.create(ask);
    const client = () => openai(somebody(['unsure'], { tenant: undefined }));
    await client().chat.completions.create(ask);
    expect(await thrown(client().chat.completions.create(ask))).toBeInstanceOf(RateLimitError);
  });
});

describe('tokens', () => {
  it('are those that the model server counts', async () => {
    // 9 and 1 each
    const client = openai(somebody(['tokens']));
    for (let call = 0; call < 9; call++) await client.chat.completions.create({ ...ask, max_tokens: 5 });
    await client.chat.completions.create({ ...ask, max_tokens: 5 });
    expect(await thrown(client.chat.completions.create({ ...ask, max_tokens: 5 }))).toBeInstanceOf(RateLimitError);
  });

  it('that a whole answer could use are set aside, and a call that could never fit is not to be retried', async () => {
    const error = await thrown(openai(somebody(['tokens']), 3).chat.completions.create({ ...ask, max_tokens: 200 }));
    if (!(error instanceof RateLimitError)) throw error;
    expect(error.headers.get('x-should-retry')).toBe('false');
    expect(error.headers.get('retry-after')).toBeNull();
  });

  it('are given back when the model server refuses or cannot be asked', async () => {
    const client = openai(somebody(['tokens']));
    world.model.always(() => failure(500, 'out of order'));
    for (let call = 0; call < 5; call++)
      expect(await thrown(client.chat.completions.create({ ...ask, max_tokens: 60 }))).toMatchObject({ status: 500 });
  });

  it('end a stream in the middle, with an error that the openai client throws', async () => {
    const client = openai(somebody(['tokens']));
    world.model.next(endless(200));
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    let text = '';
    const error = await thrown(
      (async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      })(),
    );
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: 'budget-exceeded' });
    // 2 tokens asked, 98 left, 5 a piece
    expect(text.length).toBeGreaterThan(300);
    expect(text.length).toBeLessThanOrEqual(400);
    expect(await thrown(client.chat.completions.create({ ...ask, max_tokens: 1 }))).toBeInstanceOf(RateLimitError);
  });

  it('end a masked stream, a stream of responses, and a stream of tool arguments too', async () => {
    const text = Array.from({ length: 100 }, () => 'to anna@example.com, ');
    world.model.next(chatStream(text));
    const masked = await openai(somebody(['tokens'])).chat.completions.create({ ...ask, stream: true });
    expect(await thrown(collect(masked))).toMatchObject({ code: 'budget-exceeded' });

    world.model.next(responsesStream(text));
    const responses = openai(somebody(['tokens', 'privacy-cleared'])).responses.stream({ model: 'm', input: 'hi' });
    expect(await thrown(responses.finalResponse())).toBeInstanceOf(Error);
    expect(world.log()).toContain('budget-exceeded');
  });

  it('end a stream of messages, with an error that the anthropic client throws', async () => {
    world.model.next(messageStream(Array.from({ length: 200 }, () => 'twenty bytes of text')));
    const stream = anthropic(somebody(['tokens'])).messages.stream({ ...asking, max_tokens: 4000 });
    const error = await thrown(stream.finalMessage());
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain('budget-exceeded');
  });

  it('of answers are counted for each model alone', async () => {
    const client = openai(somebody(['answers']));
    world.model.next(endless(100), endless(100), endless(100));
    for (const model of ['model-1', 'model-2'])
      expect(
        await thrown(collect(await client.chat.completions.create({ ...ask, model, stream: true }))),
      ).toMatchObject({
        code: 'budget-exceeded',
      });
    const again = thrown(client.chat.completions.create({ ...ask, model: 'model-2', stream: true }));
    expect(await again).toBeInstanceOf(RateLimitError);
  });
});

describe('other budgets', () => {
  it('of bytes let no more leave than they hold, in streams and in whole answers', async () => {
    for (const privacy of [[], ['privacy-cleared']]) {
      const token = somebody(['bytes', ...privacy]);
      for (const answer of [endless(100), chat('x'.repeat(4000)), chatTools({ name: 'f', arguments: '{}' })]) {
        world.model.next(answer);
        const got = await fetch(`${world.url}/llm/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ ...ask, stream: true }),
        });
        const text = await got.text().catch(() => '');
        if (got.status === 200) expect(text.length).toBeLessThan(2_000 + 500);
        else expect(text).toMatch(/budget-exceeded|rate-limited/);
      }
      expect(
        (await fetch(`${world.url}/llm/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status,
      ).toBe(429);
    }
  });

  it('of cost count by the prices of the model, and refuse a model whose price nobody knows', async () => {
    const client = openai(somebody(['spend']));
    // 9 × 10 and 1 × 100 millionths: 0.00019 a call
    await client.chat.completions.create({ ...ask, max_tokens: 1 });
    await client.chat.completions.create({ ...ask, max_tokens: 1 });
    world.model.next(endless(100));
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    expect(await thrown(collect(stream))).toMatchObject({ code: 'budget-exceeded' });
    expect(await thrown(client.chat.completions.create({ ...ask, max_tokens: 1 }))).toBeInstanceOf(RateLimitError);
    const unknown = thrown(openai(somebody(['spend'])).chat.completions.create({ ...ask, model: 'other' }));
    expect(await unknown).toMatchObject({ status: 403, code: 'policy-error' });
  });

  it('of distinct inputs count what is asked, not how often', async () => {
    const client = openai(somebody(['inputs']));
    for (let call = 0; call < 20; call++) await client.chat.completions.create(ask);
    let passed = 0;
    for (let call = 0; call < 20; call++) {
      const content = `question ${call}`;
      const outcome = await client.chat.completions
        .create({ ...ask, messages: [{ role: 'user', content }] })
        .catch((error: unknown) => error);
      if (outcome instanceof RateLimitError) continue;
      if (outcome instanceof Error) throw outcome;
      passed++;
    }
    // one was asked before; an estimate may be off by one
    expect(passed).toBeGreaterThanOrEqual(7);
    expect(passed).toBeLessThanOrEqual(9);
  });
});

describe('places', () => {
  it('are given back however a call ends: answered, broken off, left, or refused', async () => {
    const client = openai(somebody(['two']));
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    const slow = { ...chat('x'), steps: [{ until }, ...chat('x').steps] };
    world.model.next(slow, slow);
    const count = world.model.requests.length;
    const open = [client.chat.completions.create(ask), client.chat.completions.create(ask)];
    await world.model.seen(count + 1);
    const refused = await thrown(client.chat.completions.create(ask));
    if (!(refused instanceof RateLimitError)) throw refused;
    expect(refused.headers.get('retry-after')).toBe('1');
    release();
    await Promise.all(open);

    // broken off by the model server
    world.model.next({ ...chat('x'), steps: [{ cut: true }] }, { ...chat('x'), steps: [{ cut: true }] });
    for (let call = 0; call < 2; call++) await thrown(client.chat.completions.create(ask));
    // left by the caller
    for (let call = 0; call < 2; call++) {
      const before = world.model.requests.length;
      world.model.next({ ...chat('x'), steps: [{ wait: 60_000 }] });
      const controller = new AbortController();
      const left = thrown(client.chat.completions.create(ask, { signal: controller.signal }));
      const seen = await world.model.seen(before);
      controller.abort();
      await left;
      await world.model.ended(seen);
    }
    // held for an approval that nobody gives
    for (let call = 0; call < 2; call++)
      expect(await thrown(client.chat.completions.create({ ...ask, max_tokens: 9000 }))).toMatchObject({
        code: 'approval-required',
      });
    for (let call = 0; call < 4; call++) await client.chat.completions.create(ask);
  });

  it('are given back when the whole answer is on its way, however slowly it is read', async () => {
    const token = somebody(['two']);
    const whole = chat('word '.repeat(2 ** 20));
    world.model.next(whole, whole);
    const body = JSON.stringify(ask);
    const url = new URL(`${world.url}/llm/v1/chat/completions`);
    const slow = await Promise.all(
      [0, 1].map(async () => {
        const socket = connect(Number(url.port), url.hostname).unref();
        socket.write(
          `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer ${token}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
        // the head has come, and what is behind it fills every buffer
        await once(socket, 'readable');
        return socket;
      }),
    );
    await openai(token).chat.completions.create(ask);
    for (const socket of slow) socket.destroy();
  });
});

describe('what a limit leaves behind', () => {
  it('is a record of each refused call with its reason and rule, and a metric by rule', async () => {
    const client = openai(somebody(['hour']));
    for (let call = 0; call < 3; call++) await client.chat.completions.create(ask);
    const error = await thrown(client.chat.completions.create(ask));
    if (!(error instanceof RateLimitError)) throw error;
    const session = error.headers.get('sallyport-session') ?? '';
    const { stdout } = await world.cli(['--json', 'sessions', 'show', session]);
    expect(stdout).toContain('"rate-limited"');
    expect(stdout).toContain('"three-an-hour"');
    const metrics = await (await fetch(`${world.control}/metrics`)).text();
    expect(metrics).toMatch(/sallyport_limited_calls_total\{rule="three-an-hour",reason="rate-limited"\} \d/);
    expect(metrics).toMatch(/sallyport_limit_level\{rule="three-an-hour"\} 1\n/);
    expect(metrics).toMatch(/sallyport_calls_total\{service="llm",reason="rate-limited"\} \d/);
    expect(metrics).not.toContain('person-');
  });

  it('promise 9: transparent — a call within its limits is not touched', async () => {
    const body = Buffer.from(JSON.stringify({ ...ask, stream: true }));
    const get = async (groups: readonly string[]) => {
      world.model.next(chatStream(['a', 'b'], { usage: true }));
      const got = await fetch(`${world.url}/llm/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${somebody(groups)}`, 'content-type': 'application/json' },
        body,
      });
      const { 'sallyport-session': _, ...fields } = Object.fromEntries(got.headers);
      return { status: got.status, fields, text: await got.text() };
    };
    const limited = await get(['five', 'tokens', 'bytes', 'spend', 'inputs', 'two', 'privacy-cleared']);
    expect(limited.status).toBe(200);
    expect(limited).toEqual(await get(['privacy-cleared']));
  });

  it('goes on over a reload of the config that changes how much may be used', async () => {
    const client = openai(somebody(['five']));
    for (let call = 0; call < 5; call++) await client.chat.completions.create(ask);
    expect(await thrown(client.chat.completions.create(ask))).toBeInstanceOf(RateLimitError);
    const reloads = () => world.log().split('config reloaded').length;
    const before = reloads();
    world.configure(config({ issuer: world.idp.issuer, model: world.model.url }, 7));
    while (reloads() === before) await new Promise((resolve) => setTimeout(resolve, 20));
    for (let call = 0; call < 2; call++) await client.chat.completions.create(ask);
    expect(await thrown(client.chat.completions.create(ask))).toBeInstanceOf(RateLimitError);
  });

  it('outlives a restart, orderly or not', async () => {
    const token = somebody(['hour', 'inputs']);
    for (let call = 0; call < 2; call++) await openai(token).chat.completions.create(ask);
    expect(await world.stopGateway()).toBe(0);
    await world.startGateway();
    await openai(token).chat.completions.create(ask);
    expect(await thrown(openai(token).chat.completions.create(ask))).toBeInstanceOf(RateLimitError);
    // what was counted a second ago is in the store
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await world.stopGateway('SIGKILL');
    await world.startGateway();
    expect(await thrown(openai(token).chat.completions.create(ask))).toBeInstanceOf(RateLimitError);
  });
});
