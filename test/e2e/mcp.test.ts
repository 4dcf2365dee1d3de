import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type McpServers, startMcpServers } from '../support/mcp-servers.ts';
import { startWorld, type World } from '../support/world.ts';

let servers: McpServers;
let world: World;
beforeAll(async () => {
  servers = await startMcpServers();
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
limits: { drain: 1s }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: tools, protocol: mcp, upstream: { url: ${servers.url} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
  - { name: no-shell, when: 'call.tools.exists(t, t.name == "shell")', then: deny, message: No shell here. }
  - name: long-words-need-a-human
    when: 'call.operation == "tools/call" && call.texts.exists(t, t.text.contains("please approve"))'
    then: { approve: { by: ["group:ml-leads"] } }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', direction: both, entities: [email] }
`,
  );
});
afterAll(async () => {
  await world.close();
  await servers.close();
});

/** Both generations have the same methods, as far as these tests go. */
interface Caller {
  readonly name: string;
  readonly client: OldClient | NewClient;
  close(): Promise<void>;
}

const connect = async (generation: 'old' | 'new', who: string, origin = `${world.url}/tools`): Promise<Caller> => {
  const url = new URL(`${origin}/${generation}/mcp`);
  const requestInit = { headers: { authorization: `Bearer ${await world.idp.token(who)}` } };
  if (generation === 'new') {
    const client = new NewClient({ name: 'c', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new NewTransport(url, { requestInit }));
    return { name: 'new', client, close: () => client.close() };
  }
  const client = new OldClient({ name: 'c', version: '1' }, { capabilities: { sampling: {} } });
  client.setRequestHandler(CreateMessageRequestSchema, ({ params: { messages } }) => ({
    model: 'm',
    role: 'assistant' as const,
    content: { type: 'text' as const, text: `asked: ${JSON.stringify(messages[0]?.content)} I am carl@example.com` },
  }));
  const transport = new OldTransport(url, { requestInit });
  await client.connect(transport);
  return {
    name: 'old',
    client,
    async close() {
      await transport.terminateSession();
      await client.close();
    },
  };
};

const textOf = (result: object): string => {
  const content: unknown = 'content' in result ? result.content : [];
  const [first]: { text?: string }[] = Array.isArray(content) ? content : [];
  return first?.text ?? '';
};
const call = async ({ client }: Caller, name: string, args: Record<string, unknown> = {}): Promise<string> =>
  textOf(await client.callTool({ name, arguments: args }));
const failureOf = async (
  step: Promise<unknown>,
): Promise<{ code?: number; message?: string; data?: Record<string, unknown> }> =>
  step.then(
    () => ({}),
    (error: unknown) => (error instanceof Error ? Object.assign(error) : {}),
  );

describe.each(['old', 'new'] as const)('the official MCP client of the %s generation', (generation) => {
  it('sees through the gateway what it sees without it', async () => {
    const look = async (caller: Caller) => {
      const seen = {
        server: caller.client.getServerVersion(),
        tools: (await caller.client.listTools()).tools,
        said: await call(caller, 'echo', { text: 'to anna@example.com' }),
        read: (await caller.client.readResource({ uri: 'file:///note' })).contents,
        missing: (await failureOf(caller.client.readResource({ uri: 'file:///gone' }))).code,
      };
      await caller.close();
      return seen;
    };
    const direct = await look(await connect(generation, 'carol', servers.url));
    expect(direct.said).toBe('you said to anna@example.com');
    expect(await look(await connect(generation, 'carol'))).toEqual(direct);
  });

  it('has arguments and results masked, and text in base64', async () => {
    const caller = await connect(generation, 'alice');
    expect(await call(caller, 'echo', { text: 'to anna@example.com' })).toBe('you said to <EMAIL>');
    const [note] = (await caller.client.readResource({ uri: 'file:///note' })).contents;
    const blob = note !== undefined && 'blob' in note ? note.blob : '';
    expect(Buffer.from(blob, 'base64').toString()).toBe('the secret is with <EMAIL>');
    await caller.close();
  });

  it('gets a refusal as the error of its request, and goes on', async () => {
    const caller = await connect(generation, 'carol');
    const before = servers.seen.length;
    const error = await failureOf(call(caller, 'shell', { command: 'rm' }));
    expect(error.message).toContain('A policy denies this call. No shell here.');
    expect(error.data).toMatchObject({ reason: 'policy-denied', retry: 'never', session: expect.any(String) });
    expect(servers.seen.slice(before)).not.toContain('POST tools/call');
    const held = await failureOf(call(caller, 'echo', { text: 'please approve' }));
    expect(held.data).toMatchObject({ reason: 'approval-required', approval: expect.any(String) });
    expect(await call(caller, 'echo', { text: 'still here' })).toBe('you said still here');
    await caller.close();
  });
});

describe('streams of the older generation', () => {
  it('carry progress and requests of the server, masked both ways', async () => {
    const caller = await connect('old', 'alice');
    const told: (string | undefined)[] = [];
    const slow = await caller.client.callTool({ name: 'slow', arguments: {} }, undefined, {
      onprogress: ({ message }) => void told.push(message),
    });
    expect([textOf(slow), told]).toEqual(['done', ['half way to <EMAIL>']]);
    // what the server asks is masked on its way to the client, what the client answers on its way to the server
    const asked = await call(caller, 'ask');
    expect(asked).toContain('who is <EMAIL>?');
    expect(asked).toContain('I am <EMAIL>');
    await caller.close();
    expect(servers.seen).toContain('DELETE');
    expect(servers.seen).toContain('GET');
  });
});

describe('on the wire', () => {
  const post = async (body: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const got = await fetch(`${world.url}/tools/new/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await world.idp.token('carol')}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    });
    return { status: got.status, json: JSON.parse(await got.text()) };
  };
  const shell = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'shell', arguments: { command: 'x' } } };

  it('promise 2: one reading — headers that name another method or tool than the body are refused', async () => {
    const before = servers.seen.length;
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
    const { status, json } = await post(shell, headers);
    expect(status).toBe(400);
    expect(json).toMatchObject({ jsonrpc: '2.0', error: { code: -32600, data: { reason: 'body-unreadable' } } });
    expect(servers.seen.length).toBe(before);
  });

  it('promise 1: no operation of a batch passes in company that would not pass alone', async () => {
    const before = servers.seen.length;
    const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' };
    const { status, json } = await post([ping, shell, { jsonrpc: '2.0', method: 'notifications/x' }]);
    expect(status).toBe(200);
    expect(json).toMatchObject([
      { id: 'p', error: { data: { reason: 'policy-denied' } } },
      { id: 1, error: { data: { reason: 'policy-denied' } } },
    ]);
    expect(servers.seen.length).toBe(before);
    const [{ error }] = json;
    const { stdout } = await world.cli(['sessions', 'show', error.data.session, '--json']);
    expect(JSON.parse(stdout).opening).toMatchObject({
      operation: 'batch',
      rule: 'no-shell',
      decided: 1,
      facts: { operations: 3, tools: ['shell'] },
    });
  });

  it('a caller without a token is told so by status', async () => {
    const { status, json } = await post(shell, { authorization: '' });
    expect(status).toBe(401);
    expect(json.error.data.reason).toMatch(/token/);
  });
});

describe('an argument that the official client repeats in a field line', () => {
  const mail = async (who: string, to: string, origin?: string): Promise<string> => {
    const caller = await connect('new', who, origin);
    // the schema says which arguments are repeated
    await caller.client.listTools();
    const said = await call(caller, 'mail', { to });
    await caller.close();
    return said;
  };

  it.each(['anna@example.com', 'Anna Bäcker <anna@example.com>', ' anna@example.com '])(
    'reaches the server as it left: %s',
    async (to) => {
      expect(await mail('carol', to, servers.url)).toBe(`sent to ${to}`);
      const direct = servers.params.at(-1);
      expect(direct).toBeDefined();
      expect(await mail('carol', to)).toBe(`sent to ${to}`);
      expect(servers.params.at(-1)).toBe(direct);
    },
  );

  it('is masked in both places alike, or the server would refuse the call', async () => {
    expect(await mail('alice', 'anna@example.com')).toBe('sent to <EMAIL>');
    expect(servers.params.at(-1)).toBe('<EMAIL>');
    expect(await mail('alice', 'Bäcker, anna@example.com')).toBe('sent to Bäcker, <EMAIL>');
    expect(servers.params.at(-1)).not.toContain('anna');
  });
});
