import Anthropic from '@anthropic-ai/sdk';
import { ASK, ASK_TOOL, collect, type Endpoint, scenariosOf, user } from './scenario.ts';

const clientOf = ({ url, token }: Endpoint): Anthropic => new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });

const ask = { model: 'claude-1', max_tokens: 64, messages: [user(ASK)] };
const does = scenariosOf('anthropic', '@anthropic-ai/sdk');

/** What the client of Anthropic does. */
export const ANTHROPIC = [
  does('messages', 'messages claude-1', ['content.0.text'], async (at) => clientOf(at).messages.create(ask)),
  does('messages-stream', 'messages claude-1 stream', ['delta.text'], async (at) =>
    collect(await clientOf(at).messages.create({ ...ask, stream: true }), (event) => event),
  ),
  does('messages-tool-stream', 'messages claude-1 stream', ['json:delta.partial_json'], async (at) =>
    collect(
      await clientOf(at).messages.create({
        ...ask,
        messages: [user(ASK_TOOL)],
        tools: [{ name: 'mail', input_schema: { type: 'object' } }],
        stream: true,
      }),
      (event) => event,
    ),
  ),
];
