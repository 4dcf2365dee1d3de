import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { ASK, ASK_TOOL, collect, type Endpoint, type Scenario, scenariosOf, user } from './scenario.ts';

/** Runs a step with a client, and lets go of its connections. */
type With = <T>(at: Endpoint, step: (client: BedrockRuntimeClient) => Promise<T>) => Promise<T>;

const withClient =
  (config: Pick<BedrockRuntimeClientConfig, 'requestHandler'>): With =>
  async ({ url, token }, step) => {
    const client = new BedrockRuntimeClient({
      endpoint: url,
      region: 'us-east-1',
      token: { token },
      authSchemePreference: ['httpBearerAuth'],
      maxAttempts: 1,
      ...config,
    });
    try {
      return await step(client);
    } finally {
      client.destroy();
    }
  };

const MODEL = 'anthropic.claude-1:0';
const TITAN = 'amazon.titan-text-1';

const ask = { modelId: MODEL, messages: [{ role: 'user' as const, content: [{ text: ASK }] }] };
const vendor = (modelId: string, body: object) => ({
  modelId,
  contentType: 'application/json',
  body: JSON.stringify(body),
});
const claude = vendor(MODEL, { anthropic_version: 'bedrock-2023-05-31', max_tokens: 64, messages: [user(ASK)] });
const titan = vendor(TITAN, { inputText: ASK, textGenerationConfig: { maxTokenCount: 64 } });

const parsed = (bytes: Uint8Array | undefined): unknown => JSON.parse(Buffer.from(bytes ?? []).toString());

const does = scenariosOf('bedrock', '@aws-sdk/client-bedrock-runtime');
const doesWritten = scenariosOf(
  'bedrock',
  '@aws-sdk/client-bedrock-runtime',
  'a server after the Bedrock API reference',
);

const scenariosWith = (using: With): readonly Scenario[] => [
  does('converse', `converse ${MODEL}`, ['output.message.content.0.text'], (at) =>
    using(at, async (client) => {
      const { output, usage } = await client.send(new ConverseCommand({ ...ask, inferenceConfig: { maxTokens: 64 } }));
      return [output, usage];
    }),
  ),
  does('converse-stream', `converse-stream ${MODEL} stream`, ['delta.text'], (at) =>
    using(at, async (client) => {
      const { stream } = await client.send(new ConverseStreamCommand(ask));
      return collect(stream ?? [], (event) => event);
    }),
  ),
  does('converse-tool-stream', `converse-stream ${MODEL} stream`, ['json:delta.toolUse.input'], (at) =>
    using(at, async (client) => {
      const { stream } = await client.send(
        new ConverseStreamCommand({
          ...ask,
          messages: [{ role: 'user', content: [{ text: ASK_TOOL }] }],
          toolConfig: { tools: [{ toolSpec: { name: 'mail', inputSchema: { json: { type: 'object' } } } }] },
        }),
      );
      return collect(stream ?? [], (event) => event);
    }),
  ),
  does('invoke', `invoke ${MODEL}`, ['content.0.text'], (at) =>
    using(at, async (client) => {
      const { body } = await client.send(new InvokeModelCommand(claude));
      return parsed(body);
    }),
  ),
  doesWritten('invoke-stream', `invoke-stream ${MODEL} stream`, ['delta.text'], (at) =>
    using(at, async (client) => {
      const { body } = await client.send(new InvokeModelWithResponseStreamCommand(claude));
      return collect(body ?? [], ({ chunk }) => parsed(chunk?.bytes));
    }),
  ),
  doesWritten('invoke-titan-stream', `invoke-stream ${TITAN} stream`, ['outputText'], (at) =>
    using(at, async (client) => {
      const { body } = await client.send(new InvokeModelWithResponseStreamCommand(titan));
      return collect(body ?? [], ({ chunk }) => parsed(chunk?.bytes));
    }),
  ),
];

/** What the client of Bedrock does over HTTP/1.1, the version of HTTP that aimock speaks. */
export const BEDROCK = scenariosWith((at, step) => withClient({ requestHandler: new NodeHttpHandler() })(at, step));

/** The same over the version that the client chooses by itself: HTTP/2, without TLS with prior knowledge. */
export const BEDROCK_HTTP2 = scenariosWith(withClient({}));
