import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { askEvents, askJson } from './plain-http.ts';
import { ASK, collect, type Endpoint, type Scenario, scenariosOf, user } from './scenario.ts';

const openaiOf = ({ url, token }: Endpoint): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
const anthropicOf = ({ url, token }: Endpoint): Anthropic =>
  new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 });

const SERVER = 'llama-server of llama.cpp 0.7.0 (b11669, Debian)';
const doesOpenai = scenariosOf('llama-server', 'openai', SERVER);
const doesAnthropic = scenariosOf('llama-server', '@anthropic-ai/sdk', SERVER);
const does = scenariosOf('llama-server', 'HTTP', SERVER);

const chat = { model: 'tiny', messages: [user(ASK)] };
const message = { ...chat, max_tokens: 80 };

/** What the model is told to say: something to mask, split into single letters, and something to escape. */
export const LLAMA_SAYS = 'To anna@x.org "now" 🙂';

/** "anna@example.com", in the tokens of the tiny model. */
const TOKENS = [326, 339, 339, 326, 293, 330, 349, 326, 338, 341, 337, 330, 275, 328, 340, 338];

const TEXTS: readonly Scenario[] = [
  doesOpenai('chat', 'chat tiny', ['choices.0.message.content'], async (at) =>
    openaiOf(at).chat.completions.create(chat),
  ),
  doesOpenai('chat-stream', 'chat tiny stream', ['choices.0.delta.content'], async (at) =>
    collect(
      await openaiOf(at).chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }),
      (chunk) => chunk,
    ),
  ),
  doesOpenai('completions-stream', 'completions tiny stream', ['choices.0.text'], async (at) =>
    collect(await openaiOf(at).completions.create({ model: 'tiny', prompt: ASK, stream: true }), (chunk) => chunk),
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
  does('completion', 'completion ', ['content'], async (at) => askJson(at, '/completion', { prompt: ASK })),
  does('completion-stream', 'completion  stream', ['content'], async (at) =>
    askEvents(at, '/completion', { prompt: ASK, stream: true }),
  ),
  does('completion-probabilities-stream', 'completion  stream', ['content'], async (at) =>
    askEvents(at, '/completion', { prompt: ASK, stream: true, n_probs: 1, return_tokens: true, n_predict: 15 }),
  ),
  does('completion-several', 'completion ', ['0.content', '1.content'], async (at) =>
    askJson(at, '/completion', { prompt: [ASK, 'And who else?'], return_tokens: true }),
  ),
  does('infill', 'infill ', ['content'], async (at) =>
    askJson(at, '/infill', { input_prefix: 'mail(', input_suffix: ')', prompt: ASK }),
  ),
  does('infill-stream', 'infill  stream', ['content'], async (at) =>
    askEvents(at, '/infill', { input_prefix: 'mail(', input_suffix: ')', stream: true, n_predict: 15 }),
  ),
  does('tokenize', 'tokenize ', [], async (at) =>
    askJson(at, '/tokenize', { content: 'anna@example.com', with_pieces: true }),
  ),
  does('detokenize', 'detokenize ', ['content'], async (at) => askJson(at, '/detokenize', { tokens: TOKENS })),
  does('apply-template', 'apply-template ', ['prompt'], async (at) =>
    askJson(at, '/apply-template', { messages: [user('Who is anna@example.com?')] }),
  ),
  does('chat-input-tokens', 'chat.input_tokens tiny', [], async (at) =>
    askJson(at, '/v1/chat/completions/input_tokens', chat),
  ),
  does('responses-unversioned-stream', 'responses  stream', ['delta'], async (at) =>
    askEvents(at, '/responses', { input: ASK, stream: true }),
  ),
  does('health', 'health ', [], async (at) => askJson(at, '/health')),
  does('props', 'props ', [], async (at) => askJson(at, '/props')),
  does('slots', 'slots ', [], async (at) => askJson(at, '/slots')),
  does('lora-adapters', 'lora.list ', [], async (at) => askJson(at, '/lora-adapters')),
];

const EMBEDDINGS: readonly Scenario[] = [
  doesOpenai('embeddings', 'embeddings tiny', [], async (at) =>
    openaiOf(at).embeddings.create({ model: 'tiny', input: ASK, encoding_format: 'float' }),
  ),
  does('embedding', 'embedding ', [], async (at) => askJson(at, '/embedding', { content: ASK })),
];

const DOCUMENTS = ['anna@example.com is a cook', 'bob@example.com is not'];

const RANKS: readonly Scenario[] = [
  does('rerank', 'rerank ', [], async (at) => askJson(at, '/v1/rerank', { query: ASK, documents: DOCUMENTS })),
  does('rerank-texts', 'rerank ', ['0.text', '1.text'], async (at) =>
    askJson(at, '/rerank', { query: ASK, texts: DOCUMENTS, return_text: true }),
  ),
];

/** What tells a text token by token, which masks withhold whether they find something or not. */
const IN_TOKENS = /^(?:completion|infill|tokenize)/;

const withholding = (scenario: Scenario): Scenario =>
  IN_TOKENS.test(scenario.name) && scenario.name !== 'completions-stream'
    ? { ...scenario, expect: { ...scenario.expect, withholds: true } }
    : scenario;

/** What clients of llama-server do, by what the server was started for. */
export const LLAMA_SERVER_FOR = { texts: TEXTS.map(withholding), embeddings: EMBEDDINGS, ranks: RANKS };

/** What clients of llama-server do. */
export const LLAMA_SERVER: readonly Scenario[] = Object.values(LLAMA_SERVER_FOR).flat();
