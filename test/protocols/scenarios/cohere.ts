import { CohereClientV2 } from 'cohere-ai';
import { ASK, ASK_TOOL, collect, type Endpoint, scenariosOf, user } from './scenario.ts';

const clientOf = ({ url, token }: Endpoint): CohereClientV2 =>
  new CohereClientV2({ environment: url, token, maxRetries: 0 });

const MAIL = {
  type: 'function',
  function: { name: 'mail', parameters: { type: 'object', properties: { to: { type: 'string' } } } },
} as const;

const ask = { model: 'command-1', messages: [user(ASK)] };
const does = scenariosOf('cohere', 'cohere-ai');

/** What the client of Cohere does. */
export const COHERE = [
  does('chat', 'chat command-1', ['message.content.0.text'], async (at) => clientOf(at).chat(ask)),
  does('chat-stream', 'chat command-1 stream', ['delta.message.content.text'], async (at) =>
    collect(await clientOf(at).chatStream(ask), (event) => event),
  ),
  does(
    'chat-tool-stream',
    'chat command-1 stream',
    ['delta.message.tool_plan', 'json:delta.message.tool_calls.function.arguments'],
    async (at) =>
      collect(
        await clientOf(at).chatStream({ model: 'command-1', messages: [user(ASK_TOOL)], tools: [MAIL] }),
        (event) => event,
      ),
  ),
  does('embed', 'embed embed-1', [], async (at) =>
    clientOf(at).embed({ model: 'embed-1', texts: [ASK], inputType: 'search_query', embeddingTypes: ['float'] }),
  ),
];
