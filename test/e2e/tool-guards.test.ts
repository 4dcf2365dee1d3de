/** Guards over tools, in front of the official clients: what does not pass ends the call, before any of it leaves. */

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import OpenAI from 'openai';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, type Exchange, exchanges } from '../protocols/exchange.ts';
import { SCENARIOS } from '../protocols/scenarios/scenarios.ts';
import type { Answer } from '../support/model-server.ts';
import { chat, chatTools, chatToolStream, recut } from '../support/model-answers.ts';
import { type McpServers, startMcpServers } from '../support/mcp-servers.ts';
import { type RealtimeServer, startRealtimeServer } from '../support/realtime-server.ts';
import { type Places, startWorld, type World } from '../support/world.ts';

// each of them asks for the tool `mail`, with `to` and more; a random model behind vLLM never ends what it gives a tool
const TOOL_STREAMS = SCENARIOS.filter(
  ({ protocol, name }) => protocol !== 'vllm' && /^(?:.*-tool-stream|streamGenerateContent-tool)$/.test(name),
);
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
let voice: RealtimeServer;
let servers: McpServers;
beforeAll(async () => {
  [voice, servers] = await Promise.all([startRealtimeServer(), startMcpServers()]);
  world = await startWorld((places) =>
    config(places).replace(
      'policies:',
      `  - { name: voice, protocol: openai, websocket: allow, upstream: { url: ${voice.url} }, tools: { offer: [mail], call: [mail], arguments: { mail: { type: object, required: [to] } } } }
  - { name: mcp, protocol: mcp, upstream: { url: ${servers.url} }, tools: { call: [echo], arguments: { echo: { type: object, properties: { text: { type: string, maxLength: 9 } } } } } }
policies:`,
    ),
  );
});
afterAll(async () => {
  await world.close();
  await Promise.all([voice.close(), servers.close()]);
});

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
  expect(new Set(PROTOCOLS)).toEqual(
    new Set([...PROTOCOLS, 'anthropic', 'bedrock', 'cohere', 'gemini', 'ollama', 'openai']),
  );
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

describe('over a WebSocket (OpenAI Realtime)', () => {
  const item = { type: 'function_call', id: 'i', call_id: 'c', status: 'in_progress', name: 'mail', arguments: '' };
  const grow = (name: string, given: string): readonly object[] => [
    { type: 'response.output_item.added', response_id: 'r', output_index: 0, item: { ...item, name } },
    ...(given.match(/.{1,4}/g) ?? []).map((delta) => ({
      type: 'response.function_call_arguments.delta',
      response_id: 'r',
      item_id: 'i',
      output_index: 0,
      delta,
    })),
  ];
  const done = (name: string, given: string): object => ({
    type: 'response.output_item.done',
    response_id: 'r',
    output_index: 0,
    item: { ...item, name, arguments: given, status: 'completed' },
  });

  const connect = async () => {
    const headers = { authorization: `Bearer ${await world.idp.token('carol')}` };
    const caller = new WebSocket(`${world.url.replace('http', 'ws')}/voice/v1/realtime?model=m`, { headers });
    const heard: string[] = [];
    caller.on('message', (data: Buffer) => void heard.push(data.toString()));
    const [model] = await Promise.all([voice.next(), once(caller, 'open')]);
    return { caller, model, heard };
  };

  it('a call leaves once it is complete and fits', async () => {
    const { caller, model, heard } = await connect();
    const given = '{"to":"anna"}';
    model.say(...grow('mail', given), { type: 'response.marker' });
    // what is asked after all of that was read is answered by the same connection: nothing of the call has left
    caller.send(JSON.stringify({ type: 'input_audio_buffer.clear' }));
    await model.received(1);
    expect(heard).toEqual([]);
    const all = new Promise<void>((resolve) =>
      caller.on('message', (data: Buffer) => {
        if (data.toString().includes('output_item.done')) resolve();
      }),
    );
    model.say(done('mail', given));
    await all;
    expect(heard.join('\n')).toContain('"delta":"{\\"to"');
    caller.close();
  });

  it.each([
    ['a name that may not be called', 'shell', '{"to":"x"}'],
    ['arguments that do not fit', 'mail', '{"bcc":"anna"}'],
  ])('ends with %s, and nothing of it has left', async (_, name, given) => {
    const { caller, model, heard } = await connect();
    const closed = once(caller, 'close');
    model.say(...grow(name, given), done(name, given));
    const [, why] = await closed;
    expect(String(why)).toBe('policy-denied');
    expect(heard.join('\n')).not.toMatch(/shell|anna|bcc|function_call_arguments/);
  });

  it('ends with a session that offers another tool', async () => {
    const { caller, model } = await connect();
    const closed = once(caller, 'close');
    const tools = [{ type: 'function', name: 'shell', parameters: {} }];
    caller.send(JSON.stringify({ type: 'session.update', session: { type: 'realtime', tools } }));
    const [, why] = await closed;
    expect(String(why)).toBe('policy-denied');
    expect(model.messages).toEqual([]);
  });
});

describe('before an MCP server', () => {
  it('its client calls what may be called, with what fits', async () => {
    const client = new McpClient({ name: 'c', version: '1' });
    const requestInit = { headers: { authorization: `Bearer ${await world.idp.token('carol')}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${world.url}/mcp/old/mcp`), { requestInit }));
    const call = (name: string, args: Readonly<Record<string, unknown>>) => client.callTool({ name, arguments: args });
    expect(JSON.stringify(await call('echo', { text: 'sunny' }))).toContain('you said sunny');
    await expect(call('shell', { command: 'ls' })).rejects.toThrow('lets be called');
    await expect(call('echo', { text: 'longer than nine' })).rejects.toThrow('#/properties/text/maxLength');
    await client.close();
  });
});
