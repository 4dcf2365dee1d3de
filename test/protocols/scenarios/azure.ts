import { AzureOpenAI } from 'openai';
import { ASK, collect, type Endpoint, scenariosOf, user } from './scenario.ts';

const clientOf = ({ url, token }: Endpoint): AzureOpenAI =>
  new AzureOpenAI({ endpoint: url, apiKey: token, apiVersion: '2024-10-21', deployment: 'dep-1', maxRetries: 0 });

const ask = { model: 'dep-1', messages: [user(ASK)] };
const does = scenariosOf('azure', 'openai');

/** What the client of Azure OpenAI does. */
export const AZURE = [
  does('chat', 'chat dep-1', ['choices.0.message.content'], async (at) => clientOf(at).chat.completions.create(ask)),
  does('chat-stream', 'chat dep-1 stream', ['choices.0.delta.content'], async (at) =>
    collect(await clientOf(at).chat.completions.create({ ...ask, stream: true }), (chunk) => chunk),
  ),
  does('embeddings', 'embeddings dep-1', [], async (at) =>
    clientOf(at).embeddings.create({ model: 'dep-1', input: ASK, encoding_format: 'float' }),
  ),
];
