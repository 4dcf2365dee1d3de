/** An MCP server that has everything that @modelcontextprotocol/conformance asks a server for, as its scenarios describe it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, RequestId } from '@modelcontextprotocol/sdk/types.js';
import {
  CompleteRequestSchema,
  ListToolsRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const text = (said: string) => ({ type: 'text' as const, text: said });
const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
const resource = (uri: string, mimeType: string, said: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text: said },
});
const result = (...content: CallToolResult['content']): CallToolResult => ({ content });

const SCHEMA_2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
  additionalProperties: false,
};

const option = (value: string, title: string) => ({ const: value, title });
const TITLED = [option('value1', 'First Option'), option('value2', 'Second Option'), option('value3', 'Third Option')];

/** What a tool is called with; asks of the client belong to that call: the client may have no stream for others yet. */
interface ToolCall {
  readonly requestId: RequestId;
}

const elicit = async (
  server: McpServer,
  { requestId }: ToolCall,
  message: string,
  requestedSchema: object,
): Promise<CallToolResult> => {
  const answer: unknown = await server.server.request(
    { method: 'elicitation/create', params: { message, requestedSchema } },
    z.looseObject({ action: z.string(), content: z.unknown().optional() }),
    { relatedRequestId: requestId },
  );
  return result(text(`Elicitation completed: ${JSON.stringify(answer)}`));
};

const tools = (server: McpServer): void => {
  const plain = (name: string, run: (call: ToolCall) => CallToolResult | Promise<CallToolResult>): void =>
    void server.registerTool(name, { description: name }, run);
  plain('test_simple_text', () => result(text('This is a simple text response for testing.')));
  plain('test_image_content', () => result(image));
  plain('test_audio_content', () => result({ type: 'audio', data: WAV, mimeType: 'audio/wav' }));
  const embedded = resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.');
  plain('test_embedded_resource', () => result(embedded));
  const mixed = resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}');
  plain('test_multiple_content_types', () => result(text('Multiple content types test:'), image, mixed));
  plain('test_error_handling', () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  plain('json_schema_2020_12_tool', () => result(text('ok')));
  plain('test_reconnection', async () => {
    await sleep(100);
    return result(text('Reconnection test completed'));
  });
  server.registerTool('test_tool_with_logging', { description: 'logs' }, async ({ sendNotification }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      await sleep(50);
    }
    return result(text('logged'));
  });
  server.registerTool('test_tool_with_progress', { description: 'tells' }, async ({ _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken ?? 0;
    for (const progress of [0, 50, 100]) {
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      await sleep(50);
    }
    return result(text('done'));
  });
  server.registerTool('test_sampling', { inputSchema: { prompt: z.string() } }, async ({ prompt }, { requestId }) => {
    const messages = [{ role: 'user' as const, content: text(prompt) }];
    const { content } = await server.server.createMessage(
      { messages, maxTokens: 100 },
      { relatedRequestId: requestId },
    );
    return result(text(`LLM response: ${'text' in content ? content.text : ''}`));
  });
  const string = (description: string) => ({ type: 'string', description });
  server.registerTool('test_elicitation', { inputSchema: { message: z.string() } }, ({ message }, call) =>
    elicit(server, call, message, {
      type: 'object',
      properties: { username: string("User's response"), email: string("User's email address") },
      required: ['username', 'email'],
    }),
  );
  plain('test_elicitation_sep1034_defaults', (call) =>
    elicit(server, call, 'defaults', {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
    }),
  );
  const untitled = { type: 'string', enum: ['option1', 'option2', 'option3'] };
  plain('test_elicitation_sep1330_enums', (call) =>
    elicit(server, call, 'enums', {
      type: 'object',
      properties: {
        untitledSingle: untitled,
        titledSingle: { type: 'string', oneOf: TITLED },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', items: untitled },
        titledMulti: { type: 'array', items: { anyOf: TITLED } },
      },
    }),
  );
};

const resources = (server: McpServer): void => {
  const contents = (uri: string, mimeType: string, said: string) => ({ contents: [{ uri, mimeType, text: said }] });
  server.registerResource('text', 'test://static-text', {}, ({ href }) =>
    contents(href, 'text/plain', 'This is the content of the static text resource.'),
  );
  server.registerResource('binary', 'test://static-binary', {}, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: PNG }],
  }));
  server.registerResource('watched', 'test://watched-resource', {}, ({ href }) =>
    contents(href, 'text/plain', 'watched'),
  );
  const template = new ResourceTemplate('test://template/{id}/data', { list: undefined });
  server.registerResource('template', template, {}, ({ href }, { id }) =>
    contents(href, 'application/json', JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` })),
  );
};

const prompts = (server: McpServer): void => {
  const user = <T>(content: T) => ({ role: 'user' as const, content });
  server.registerPrompt('test_simple_prompt', { description: 'simple' }, () => ({
    messages: [user(text('This is a simple prompt for testing.'))],
  }));
  const two = { arg1: z.string(), arg2: z.string() };
  server.registerPrompt('test_prompt_with_arguments', { description: 'two', argsSchema: two }, ({ arg1, arg2 }) => ({
    messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
  }));
  const one = { resourceUri: z.string() };
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'one', argsSchema: one },
    ({ resourceUri }) => ({
      messages: [
        user(resource(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
        user(text('Please process the embedded resource above.')),
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'image' }, () => ({
    messages: [user(image), user(text('Please analyze the image above.'))],
  }));
};

/** Returns a new server; each session has one of its own. */
export const conformanceServer = (): McpServer => {
  const capabilities = { logging: {}, completions: {}, resources: { subscribe: true }, tools: {}, prompts: {} };
  const server = new McpServer({ name: 'conformance', version: '1.0.0' }, { capabilities });
  tools(server);
  resources(server);
  prompts(server);
  server.server.setRequestHandler(SetLevelRequestSchema, () => ({}));
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(CompleteRequestSchema, () => ({
    completion: { values: ['paris'], total: 1, hasMore: false },
  }));
  const names = ['test_simple_text', 'json_schema_2020_12_tool'];
  server.server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: names.map((name) => ({
      name,
      description: `The tool ${name}.`,
      inputSchema: name.startsWith('json') ? SCHEMA_2020 : { type: 'object' as const },
    })),
  }));
  return server;
};
