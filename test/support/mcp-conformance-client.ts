/**
 * The client that @modelcontextprotocol/conformance tests, made with the official package; it does what the scenario asks a
 * client to do. With `GATEWAY`, `DOOR` and `TOKEN` in the environment it tells the door which server is meant, and goes
 * through the gateway.
 */

import process from 'node:process';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const { MCP_CONFORMANCE_SCENARIO: scenario = '', GATEWAY: gateway, DOOR: door, TOKEN: token } = process.env;
const server = new URL(process.argv[2] ?? '');

const arguments_: Readonly<Record<string, object>> = { add_numbers: { a: 5, b: 3 } };

const connect = async (): Promise<StreamableHTTPClientTransport> => {
  if (gateway === undefined || door === undefined) return new StreamableHTTPClientTransport(server);
  await fetch(door, { method: 'PUT', body: server.origin });
  const headers = { authorization: `Bearer ${token}` };
  return new StreamableHTTPClientTransport(new URL(`${gateway}${server.pathname}`), { requestInit: { headers } });
};

const client = new Client(
  { name: 'client', version: '1.0.0' },
  { capabilities: { elicitation: { form: { applyDefaults: true } } } },
);
client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }));
await client.connect(await connect());
const { tools } = await client.listTools();
if (scenario !== 'initialize')
  for (const { name } of tools) await client.callTool({ name, arguments: { ...arguments_[name] } });
await client.close();
process.exit(0);
