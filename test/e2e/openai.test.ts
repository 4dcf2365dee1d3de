import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  PermissionDeniedError,
  APIUserAbortError,
} from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bodyOf,
  breakOff,
  chat,
  chatStream,
  chatTools,
  chatToolStream,
  failure,
  recut,
  responses,
  responsesStream,
} from '../support/model-answers.ts';
import { startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const client = async (who: string, options: Partial<ConstructorParameters<typeof OpenAI>[0]> = {}) =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: await world.idp.token(who), maxRetries: 0, ...options });
const ask = { model: 'model-1', messages: [{ role: 'user' as const, content: 'hello' }] };

const reasonIn = (text: string): unknown => {
  const problem: { readonly reason?: string } = JSON.parse(text);
  return problem.reason;
};

async function collect(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

describe('the unmodified openai client', () => {
  it('gets a whole answer', async () => {
    world.model.next(chat('The answer.'));
    const answer = await (await client('alice')).chat.completions.create(ask);
    expect(answer.choices[0]?.message.content).toBe('The answer.');
    expect(answer.usage?.total_tokens).toBe(10);
  });

  it('gets a streamed answer, event by event as it comes', async () => {
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    const [first, second, ...rest] = chatStream(['One. ', 'two.']).steps;
    world.model.next({ ...chatStream([]), steps: [first!, second!, { until }, ...rest] });
    const stream = await (await client('carol')).chat.completions.create({ ...ask, stream: true });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    // the rest of the answer does not exist yet
    expect((await iterator.next()).value?.choices[0]?.delta.content).toBe('One. ');
    release();
    expect((await iterator.next()).value?.choices[0]?.delta.content).toBe('two.');
  });

  it('promise 4: masks a streamed answer however it is cut', async () => {
    const text =
      'Write to anna.long@example.com or pay with 4111 1111 1111 1111, key sk-ant-api03-' +
      'A1b2C3d4E5'.repeat(9) +
      'xyzAA, thanks.';
    for (const sizes of [[1], [7], [64, 3], [5000]]) {
      world.model.next(recut(chatStream(text.match(/.{1,4}/gs) ?? []), sizes));
      const got = await collect(await (await client('alice')).chat.completions.create({ ...ask, stream: true }));
      expect(got).toMatch(/^Write to <EMAIL> or pay with <CREDIT_CARD>, key <SECRET[^>]*>, thanks\.$/);
    }
  });

  it('masks a whole answer and corrects its length', async () => {
    world.model.next(chat('anna@example.com'));
    const { data, response } = await (await client('alice')).chat.completions.create(ask).withResponse();
    expect(data.choices[0]?.message.content).toBe('<EMAIL>');
    expect(response.headers.get('sallyport-session')).toMatch(/^[0-9a-z]{26}$/);
  });

  it('does not mask for whom the rule leaves out', async () => {
    world.model.next(chat('anna@example.com'));
    const answer = await (await client('carol')).chat.completions.create(ask);
    expect(answer.choices[0]?.message.content).toBe('anna@example.com');
  });

  it('promise 9: transparent — what policy does not touch passes byte for byte', async () => {
    const answers = [
      chat('plain'),
      chatStream(['pl', 'ain'], { usage: true }),
      chatTools({ name: 'f', arguments: '{"a": 1.0}' }),
      failure(429, 'slow down'),
    ];
    for (const answer of answers) {
      world.model.next(answer);
      const body =
        '{"model": "m",  "messages":[{"role":"user","content":"h\\u00e9llo"}], "seed": 12345678901234567890, "x_unknown": 1.0}';
      const got = await fetch(`${world.url}/llm/v1/chat/completions?a=b%2Fc`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await world.idp.token('carol')}`,
          'content-type': 'application/json',
          'X-Custom': 'kept',
        },
        body,
      });
      expect(Buffer.from(await got.arrayBuffer()).toString()).toBe(bodyOf(answer).toString());
      expect(got.status).toBe(answer.status);
      const seen = world.model.requests.at(-1)!;
      expect(seen.body.toString()).toBe(body);
      expect(seen.target).toBe('/v1/chat/completions?a=b%2Fc');
      expect(seen.header('x-custom')).toBe('kept');
    }
  });

  it('passes tool calls, whole and streamed', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }];
    world.model.next(chatTools({ name: 'weather', arguments: '{"city":"Oslo"}' }));
    const whole = await (await client('alice')).chat.completions.create({ ...ask, tools });
    expect(whole.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: 'weather', arguments: '{"city":"Oslo"}' },
    });
    world.model.next(chatToolStream('weather', ['{"ci', 'ty":"an', 'na@example.com"}']));
    const stream = (await client('alice')).chat.completions.stream({ ...ask, tools });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { arguments: '{"city":"<EMAIL>"}' } });
  });

  it('uses the responses API, whole and streamed, with one text throughout', async () => {
    const openai = await client('alice');
    world.model.next(responses('to anna@example.com'));
    expect((await openai.responses.create({ model: 'm', input: 'hi' })).output_text).toBe('to <EMAIL>');
    world.model.next(responsesStream(['to anna', '@exam', 'ple.com']));
    const stream = openai.responses.stream({ model: 'm', input: 'hi' });
    let deltas = '';
    stream.on('response.output_text.delta', ({ delta }) => void (deltas += delta));
    expect((await stream.finalResponse()).output_text).toBe('to <EMAIL>');
    expect(deltas).toBe('to <EMAIL>');
  });

  it('masks the request where the rule says so, and the model never sees the value', async () => {
    await (await client('alice')).chat.completions.create({
      ...ask,
      messages: [{ role: 'user', content: 'I am anna@example.com' }],
    });
    expect(world.model.requests.at(-1)?.json()).toMatchObject({ messages: [{ content: 'I am <EMAIL>' }] });
  });

  it('cancels upstream when the caller leaves', async () => {
    world.model.next({ ...chatStream(['a']), steps: [chatStream(['a']).steps[0]!, { wait: 60_000 }] });
    const count = world.model.requests.length;
    const controller = new AbortController();
    const stream = await (await client('alice')).chat.completions.create(
      { ...ask, stream: true },
      { signal: controller.signal },
    );
    const reading = collect(stream).catch((error: unknown) => error);
    const seen = await world.model.seen(count);
    const left = performance.now();
    controller.abort();
    const outcome = await reading;
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(APIUserAbortError);
    await world.model.ended(seen);
    expect(seen.state).toBe('aborted');
    expect(seen.endedAt! - left).toBeLessThan(1_000);
  });

  it('gets the head of an answer whose first byte is not there yet', async () => {
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    world.model.next({ ...chatStream(['x']), steps: [{ until }, ...chatStream(['x']).steps] });
    // resolves on the head alone
    const stream = await (await client('alice')).chat.completions.create({ ...ask, stream: true });
    release();
    expect(await collect(stream)).toBe('x');
  });

  it('sees an answer that broke off as broken, never as complete', async () => {
    world.model.next(breakOff(chatStream(['a', 'b', 'c']), 200));
    const stream = await (await client('alice')).chat.completions.create({ ...ask, stream: true });
    await expect(collect(stream)).rejects.toThrow();
    world.model.next(breakOff(chat('a long answer'), 40));
    await expect((await client('alice')).chat.completions.create(ask)).rejects.toBeInstanceOf(APIError);
  });
});

const refusal = async (call: Promise<unknown>): Promise<APIError> => {
  const error = await call.then(
    () => new Error('the call passed'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof APIError)) throw error;
  return error;
};

describe('refusals, as the openai client reads them', () => {
  it('promise 1: nobody unidentified — a call without a good token never reaches the model', async () => {
    const before = world.model.requests.length;
    const error = await refusal((await client('alice', { apiKey: 'sk-not-a-token' })).chat.completions.create(ask));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'token-malformed' });
    expect(error.message).toContain('The token is not a well-formed JWT.');
    expect(error.headers?.get('www-authenticate')).toContain('Bearer');
    expect(world.model.requests).toHaveLength(before);
  });

  it('promise 1: default deny — no rule for this caller', async () => {
    const before = world.model.requests.length;
    const error = await refusal((await client('ci')).chat.completions.create(ask));
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 'no-rule' });
    expect(world.model.requests).toHaveLength(before);
  });

  it('promise 1: deny wins, with the message of its rule', async () => {
    const before = world.model.requests.length;
    const tools = [{ type: 'function' as const, function: { name: 'shell' } }];
    const error = await refusal((await client('alice', { maxRetries: 3 })).chat.completions.create({ ...ask, tools }));
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 'policy-denied' });
    expect(error.message).toContain('The shell tool is not available here.');
    expect(error.headers?.get('sallyport-session')).toMatch(/^[0-9a-z]{26}$/);
    expect(world.model.requests).toHaveLength(before);
  });

  it('promise 2: one reading — duplicate members, invalid UTF-8 and unknown operations are refused', async () => {
    const post = async (path: string, body: string | Buffer) => {
      const answer = await fetch(`${world.url}/llm${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
        body,
      });
      return { status: answer.status, reason: reasonIn(await answer.text()) };
    };
    const before = world.model.requests.length;
    const duplicate = '{"model":"m","messages":[],"messages":[{"role":"user","content":"hidden"}]}';
    expect(await post('/v1/chat/completions', duplicate)).toMatchObject({ status: 400, reason: 'body-unreadable' });
    const invalid = Buffer.concat([
      Buffer.from('{"model":"m","messages":[{"role":"user","content":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}]}'),
    ]);
    expect(await post('/v1/chat/completions', invalid)).toMatchObject({ status: 400, reason: 'body-unreadable' });
    expect(await post('/v1/unknown', '{}')).toMatchObject({ status: 404, reason: 'operation-unknown' });
    expect(await post('/v1/chat/../admin', '{}')).not.toMatchObject({ status: 200 });
    expect(world.model.requests).toHaveLength(before);
  });

  it("passes the model server's own errors on as they are", async () => {
    world.model.next(failure(400, 'bad prompt'));
    expect(await refusal((await client('alice')).chat.completions.create(ask))).toBeInstanceOf(BadRequestError);
  });

  it('promise 8: secrets stay on their side', async () => {
    const token = await world.idp.token('alice');
    // an upstream that answers with everything it was sent
    world.model.next((request) => chat(`headers: ${request.rawHeaders.join(' ')}`));
    const answer = await (await client('carol', { apiKey: token })).chat.completions.create(ask);
    const seen = world.model.requests.at(-1)!;
    expect(seen.header('authorization')).toBe(`Bearer ${UPSTREAM_KEY}`);
    expect(JSON.stringify(seen.rawHeaders)).not.toContain(token);
    expect(JSON.stringify(answer)).not.toContain(UPSTREAM_KEY);
    expect(world.log()).not.toContain(UPSTREAM_KEY);
    expect(world.log()).not.toContain(token);
  });
});
