import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { ASK, ASK_TOOL, collect, type Endpoint, scenariosOf, user } from './scenario.ts';

/** Over HTTP/1.1: without TLS the client's own choice is HTTP/2 with prior knowledge, which aimock does not speak. */
const clientOf = ({ url, token }: Endpoint): BedrockRuntimeClient =>
  new BedrockRuntimeClient({
    endpoint: url,
    region: 'us-east-1',
    token: { token },
    authSchemePreference: ['httpBearerAuth'],
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });

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

/** What the client of Bedrock does. */
export const BEDROCK = [
  does('converse', `converse ${MODEL}`, ['output.message.content.0.text'], async (at) => {
    const { output, usage } = await clientOf(at).send(
      new ConverseCommand({ ...ask, inferenceConfig: { maxTokens: 64 } }),
    );
    return [output, usage];
  }),
  does('converse-stream', `converse-stream ${MODEL} stream`, ['delta.text'], async (at) => {
    const { stream } = await clientOf(at).send(new ConverseStreamCommand(ask));
    return collect(stream ?? [], (event) => event);
  }),
  does('converse-tool-stream', `converse-stream ${MODEL} stream`, ['json:delta.toolUse.input'], async (at) => {
    const { stream } = await clientOf(at).send(
      new ConverseStreamCommand({
        ...ask,
        messages: [{ role: 'user', content: [{ text: ASK_TOOL }] }],
        toolConfig: { tools: [{ toolSpec: { name: 'mail', inputSchema: { json: { type: 'object' } } } }] },
      }),
    );
    return collect(stream ?? [], (event) => event);
  }),
  does('invoke', `invoke ${MODEL}`, ['content.0.text'], async (at) => {
    const { body } = await clientOf(at).send(new InvokeModelCommand(claude));
    return parsed(body);
  }),
  doesWritten('invoke-stream', `invoke-stream ${MODEL} stream`, ['delta.text'], async (at) => {
    const { body } = await clientOf(at).send(new InvokeModelWithResponseStreamCommand(claude));
    return collect(body ?? [], ({ chunk }) => parsed(chunk?.bytes));
  }),
  doesWritten('invoke-titan-stream', `invoke-stream ${TITAN} stream`, ['outputText'], async (at) => {
    const { body } = await clientOf(at).send(new InvokeModelWithResponseStreamCommand(titan));
    return collect(body ?? [], ({ chunk }) => parsed(chunk?.bytes));
  }),
];
