/** Guards over tools, in front of the official clients: what does not pass ends the call, before any of it leaves. */

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, type Exchange, exchanges } from '../protocols/exchange.ts';
import { SCENARIOS } from '../protocols/scenarios/scenarios.ts';
import type { Answer } from '../support/model-server.ts';
import { chat, chatTools, chatToolStream, recut } from '../support/model-answers.ts';
import { type Places, startWorld, type World } from '../support/world.ts';

// each of them asks for the tool `mail`, with `to` and more
const TOOL_STREAMS = SCENARIOS.filter(({ name }) => /^(?:.*-tool-stream|streamGenerateContent-tool)$/.test(name));
const PROTOCOLS = [...new Set(TOOL_STREAMS.map(({ protocol }) => protocol))];

const GUARDS: Readonly<Record<string, string>> = {
  open: '{ offer: [mail], call: ["ma*"], arguments: { mail: { type: object, required: [to], properties: { to: { type: string } } } } }',
  closed: '{ call: [calendar] }',
  misfit:
    '{ arguments: { mail: { type: object, properties: { to: { type: string, pattern: "^.*@intern[.]example$" } } } } }',
  unoffered: '{ offer: [calendar] }',
};

const service = (name: string, protocol: string, model: string, guard = ''): string =>
  `  - { name: ${name}, protocol: ${protocol}, upstream: { url: ${model} }${guard === '' ? '' : `, tools: ${guard}`} }`;

const config = ({ issuer, model }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity:
  issuers: [{ issuer: ${issuer}, audience: sallyport }]
services:
${PROTOCOLS.flatMap((protocol) => [
  ...Object.entries(GUARDS).map(([guard, yaml]) => service(`${protocol}-${guard}`, protocol, model, yaml)),
  service(`${protocol}-ruled`, protocol, model),
]).join('\n')}
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
  - name: no-mail-to-anna
    on: answer
    when: 'call.service.endsWith("-ruled") && answer.tool_calls.exists(t, t.name == "mail" && t.arguments.to.startsWith("anna@"))'
    then: deny
    message: No mail to her.
  - name: no-past-shell
    when: 'call.tool_calls.exists(t, t.name == "shell" && t.arguments.command.contains("rm"))'
    then: deny
`;

let world: World;
beforeAll(async () => {
  world = await startWorld(config);
});
afterAll(() => world.close());

const known = new Map(exchanges().map((exchange) => [`${exchange.protocol} ${exchange.name}`, exchange]));

const answerOf = ({ answer }: Exchange, sizes: readonly number[]): Answer =>
  recut(
    { status: answer.status, headers: ['Content-Type', answer.contentType], steps: [{ send: bytesOf(answer.body) }] },
    sizes,
  );

/** What came on the wire, whole or not, for the request of an exchange. */
const wire = async (
  service: string,
  { request: { method, target, contentType, body } }: Exchange,
): Promise<{ readonly status: number; readonly bytes: Buffer; readonly complete: boolean }> => {
  const headers = { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': contentType };
  const sent = request(`${world.url}/${service}${target}`, { method, headers }).end(bytesOf(body));
  const [answer]: IncomingMessage[] = await once(sent, 'response');
  if (answer === undefined) throw new Error('expected an answer');
  const got: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => void got.push(chunk)).on('error', () => {});
  await new Promise((resolve) => answer.on('close', resolve));
  return { status: answer.statusCode ?? 0, bytes: Buffer.concat(got), complete: answer.complete };
};

const errorOf = async (run: () => Promise<unknown>): Promise<unknown> =>
  run().then(
    () => {
      throw new Error('expected a refusal');
    },
    (error: unknown) => error,
  );

it('covers every protocol whose streams call tools', () => {
  expect(PROTOCOLS.toSorted()).toEqual(['anthropic', 'bedrock', 'cohere', 'gemini', 'ollama', 'openai']);
});

describe.each(TOOL_STREAMS)('$client, a call of a tool streamed by $protocol', ({ protocol, name, run }) => {
  const exchange = known.get(`${protocol} ${name}`);
  if (exchange === undefined) throw new Error(`${protocol} ${name} has not been recorded`);
  const through = async (guard: string): Promise<unknown> =>
    run({ url: `${world.url}/${protocol}-${guard}`, token: await world.idp.token('carol') });

  it.each([[[1]], [[7, 2, 90]], [[100_000]]])('passes byte for byte when it fits, cut by %j', async (sizes) => {
    world.model.always(() => answerOf(exchange, sizes));
    const direct = await run({ url: world.model.url, token: 'token' });
    expect(await through('open')).toEqual(direct);
    const { bytes, complete } = await wire(`${protocol}-open`, exchange);
    expect(complete).toBe(true);
    expect(bytes.equals(bytesOf(exchange.answer.body))).toBe(true);
  });

  it.each(['closed', 'misfit', 'ruled'])('breaks off, and nothing of it has left: %s', async (guard) => {
    for (const sizes of [[1], [7, 2, 90], [100_000]]) {
      world.model.always(() => answerOf(exchange, sizes));
      const { bytes } = await wire(`${protocol}-${guard}`, exchange);
      const text = bytes.toString();
      expect(text).toContain('policy-denied');
      // neither the name nor what it is given, however it is spelled in JSON
      expect(text).not.toMatch(/"mail"|anna|example\.com/);
    }
    world.model.always(() => answerOf(exchange, [40]));
    expect(await errorOf(() => through(guard))).toBeInstanceOf(Error);
  });

  it('is not asked for when the tool may not be offered', async () => {
    const before = world.model.requests.length;
    const error = await errorOf(() => through('unoffered'));
    expect(String(error)).toContain('is not one that this service offers');
    expect(String(error)).not.toContain('mail');
    expect(world.model.requests.length).toBe(before);
  });
});

describe('whole answers', () => {
  const ask = { model: 'm', messages: [{ role: 'user' as const, content: 'hello' }] };
  const client = async (service: string) =>
    new OpenAI({ baseURL: `${world.url}/${service}/v1`, apiKey: await world.idp.token('carol'), maxRetries: 0 });

  it('are refused for a call that may not be made, and the refusal names nothing of it', async () => {
    world.model.next(chatTools({ name: 'mail', arguments: '{"to":"anna@example.com"}' }));
    const error = await errorOf(async () => (await client('openai-closed')).chat.completions.create(ask));
    expect(error).toMatchObject({ status: 403, code: 'policy-denied' });
    if (!(error instanceof OpenAI.APIError)) throw new Error('expected an error of the API');
    const { stdout } = await world.cli(['sessions', 'show', error.headers?.get('sallyport-session') ?? '', '--json']);
    expect(JSON.parse(stdout).ending.reason).toBe('policy-denied');
    expect(error.message).toContain('is not one that this service lets be called');
    expect(error.message).not.toContain('mail');
  });

  it('pass with their own words and their ETag when nothing is called', async () => {
    world.model.next({
      ...chat('write to anna@example.com'),
      headers: ['Content-Type', 'application/json', 'ETag', '"1"'],
    });
    const { data, response } = await (await client('openai-closed')).chat.completions.create(ask).withResponse();
    expect(data.choices[0]?.message.content).toBe('write to anna@example.com');
    expect(response.headers.get('etag')).toBe('"1"');
  });

  it.each(['{"to":"a@intern.example","to":"b@evil.example"}', '{"to":"a@intern.example"', '[]', '"to"'])(
    'are refused when what is given has no single reading, or is no object: %s',
    async (given) => {
      world.model.next(chatTools({ name: 'mail', arguments: given }));
      expect(await errorOf(async () => (await client('openai-misfit')).chat.completions.create(ask))).toMatchObject({
        code: 'policy-denied',
      });
      world.model.next(chatToolStream('mail', [given.slice(0, 5), given.slice(5)]));
      const streamed = async () => {
        const stream = await (await client('openai-misfit')).chat.completions.create({ ...ask, stream: true });
        for await (const chunk of stream) expect(JSON.stringify(chunk)).not.toContain('intern');
      };
      expect(await errorOf(streamed)).toMatchObject({ code: 'policy-denied' });
    },
  );

  it('are looked at in what a request tells of, too', async () => {
    const call = { id: 'c1', type: 'function' as const, function: { name: 'shell', arguments: '{"command":"rm x"}' } };
    const told = { ...ask, messages: [...ask.messages, { role: 'assistant' as const, tool_calls: [call] }] };
    const before = world.model.requests.length;
    for (const service of ['openai-closed', 'openai-ruled'])
      expect(await errorOf(async () => (await client(service)).chat.completions.create(told))).toMatchObject({
        code: 'policy-denied',
      });
    expect(world.model.requests.length).toBe(before);
  });
});
