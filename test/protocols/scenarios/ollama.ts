import { Ollama } from 'ollama';
import { ASK, ASK_TOOL, collect, type Endpoint, scenariosOf, user } from './scenario.ts';

const clientOf = ({ url, token }: Endpoint): Ollama =>
  new Ollama({ host: url, headers: { Authorization: `Bearer ${token}` } });

const MAIL = {
  type: 'function',
  function: {
    name: 'mail',
    description: 'Sends a mail.',
    parameters: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
  },
};

const ask = { model: 'm-1', messages: [user(ASK)] };
const does = scenariosOf('ollama', 'ollama');

/** What the client of Ollama does. */
export const OLLAMA = [
  does('chat', 'chat m-1', ['message.content'], async (at) => clientOf(at).chat({ ...ask, stream: false })),
  does('chat-stream', 'chat m-1 stream', ['message.content'], async (at) =>
    collect(await clientOf(at).chat({ ...ask, stream: true }), ({ message, done }) => [message, done]),
  ),
  does('chat-tool-stream', 'chat m-1 stream', ['message.tool_calls.0.function.arguments.to'], async (at) =>
    collect(
      await clientOf(at).chat({ model: 'm-1', messages: [user(ASK_TOOL)], tools: [MAIL], stream: true }),
      ({ message }) => message,
    ),
  ),
  does('generate', 'generate m-1', ['response'], async (at) =>
    clientOf(at).generate({ model: 'm-1', prompt: ASK, stream: false }),
  ),
  does('generate-stream', 'generate m-1 stream', ['response'], async (at) =>
    collect(await clientOf(at).generate({ model: 'm-1', prompt: ASK, stream: true }), ({ response }) => response),
  ),
  does('list', 'models.list ', [], async (at) => clientOf(at).list()),
];
