/** MCP servers of both generations, made with the official packages: what one says, the other says too. */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { createMcpHandler, McpServer as NewServer } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

/** A running server. */
export interface McpServers {
  /** Where `/mcp` is served. */
  readonly url: string;
  /** Method and JSON-RPC method of every request, in the order of arrival. */
  readonly seen: readonly string[];
  /** The `Mcp-Param-To` of the requests that had one. */
  readonly params: readonly string[];
  close(): Promise<void>;
}

const textResult = (text: string) => ({ content: [{ type: 'text' as const, text }] });
const BLOB = Buffer.from('the secret is with anna@example.com').toString('base64');

/** Returns a server of the generation with sessions, on the streams of which it may ask its client. */
const oldServer = (): OldServer => {
  const server = new OldServer({ name: 'old', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool('echo', { description: 'Says it again.', inputSchema: { text: z.string() } }, ({ text }) =>
    textResult(`you said ${text}`),
  );
  server.registerTool('shell', { description: 'Runs a command.', inputSchema: { command: z.string() } }, () =>
    textResult('it ran'),
  );
  server.registerTool('ask', { description: 'Asks the model of the client.' }, async () => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'who is anna@example.com?' } }];
    const { content } = await server.server.createMessage({ messages, maxTokens: 10 });
    return textResult(`the client says ${'text' in content ? content.text : ''}`);
  });
  server.registerTool('slow', { description: 'Tells how far it is.' }, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 0;
    const message = 'half way to bob@example.com';
    await sendNotification({
      method: 'notifications/progress',
      params: { progressToken, progress: 1, total: 2, message },
    });
    return textResult('done');
  });
  server.registerResource('note', 'file:///note', {}, ({ href }) => ({ contents: [{ uri: href, blob: BLOB }] }));
  return server;
};

/** Returns a server of the newest generation. */
const newServer = (): NewServer => {
  const server = new NewServer({ name: 'new', version: '1.0.0' });
  const say = { description: 'Says it again.', inputSchema: z.object({ text: z.string() }) };
  server.registerTool('echo', say, async ({ text }) => textResult(`you said ${text}`));
  // what its caller repeats in a field line, and it compares with the argument (MCP 2026-07-28, custom headers)
  const to = z.string().meta({ 'x-mcp-header': 'To' });
  const mail = { description: 'Sends a mail.', inputSchema: z.object({ to }) };
  server.registerTool('mail', mail, async (args) => textResult(`sent to ${args.to}`));
  const run = { description: 'Runs a command.', inputSchema: z.object({ command: z.string() }) };
  server.registerTool('shell', run, async () => textResult('it ran'));
  server.registerResource('note', 'file:///note', {}, async ({ href }) => ({ contents: [{ uri: href, blob: BLOB }] }));
  return server;
};

/** Serves sessions, each with a transport of its own. */
const sessions = (make: () => OldServer) => {
  const transports = new Map<string, StreamableHTTPServerTransport>();
  return async (req: IncomingMessage, res: ServerResponse, body: unknown): Promise<void> => {
    const known = transports.get(String(req.headers['mcp-session-id']));
    if (known !== undefined) return known.handleRequest(req, res, body);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void transports.set(id, transport),
    });
    await make().connect(transport);
    await transport.handleRequest(req, res, body);
  };
};

/** Starts a server that speaks the newest generation at `/new/mcp` and the older, as `make` has it, at `/old/mcp`. */
export const startMcpServers = async (make: () => OldServer = oldServer): Promise<McpServers> => {
  const seen: string[] = [];
  const params: string[] = [];
  const old = sessions(make);
  const modern = toNodeHandler(createMcpHandler(newServer, { legacy: 'reject' }));
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = req.method === 'POST' ? await json(req) : undefined;
    const method = typeof body === 'object' && body !== null && 'method' in body ? String(body.method) : '';
    seen.push(`${req.method} ${method}`.trim());
    const param = req.headers['mcp-param-to'];
    if (typeof param === 'string') params.push(param);
    if (req.url === '/old/mcp') return old(req, res, body);
    return modern(Object.assign(req, { method: req.method ?? '', url: req.url ?? '' }), res, body);
  };
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    params,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
