import OpenAI, { toFile } from 'openai';
import { ASK, ASK_TOOL, collect, type Endpoint, scenariosOf, user } from './scenario.ts';

const clientOf = ({ url, token }: Endpoint): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });

const MAIL = {
  type: 'function',
  function: { name: 'mail', parameters: { type: 'object', properties: { to: { type: 'string' } } } },
} as const;

const ask = { model: 'gpt-1', messages: [user(ASK)] };
const does = scenariosOf('openai', 'openai');

const BATCH = ['one', 'two']
  .map((custom_id) => JSON.stringify({ custom_id, method: 'POST', url: '/v1/chat/completions', body: ask }))
  .join('\n');

/** What the client of OpenAI does. */
export const OPENAI = [
  does('chat', 'chat gpt-1', ['choices.0.message.content'], async (at) => clientOf(at).chat.completions.create(ask)),
  does('chat-stream', 'chat gpt-1 stream', ['choices.0.delta.content'], async (at) =>
    collect(await clientOf(at).chat.completions.create({ ...ask, stream: true }), (chunk) => chunk),
  ),
  does('chat-tool-stream', 'chat gpt-1 stream', ['json:choices.0.delta.tool_calls.0.function.arguments'], async (at) =>
    collect(
      await clientOf(at).chat.completions.create({
        model: 'gpt-1',
        messages: [user(ASK_TOOL)],
        tools: [MAIL],
        stream: true,
      }),
      (chunk) => chunk,
    ),
  ),
  does('responses', 'responses gpt-1', ['output.0.content.0.text'], async (at) =>
    clientOf(at).responses.create({ model: 'gpt-1', input: ASK }),
  ),
  does('responses-stream', 'responses gpt-1 stream', ['delta'], async (at) =>
    collect(await clientOf(at).responses.create({ model: 'gpt-1', input: ASK, stream: true }), (event) => event),
  ),
  does('embeddings', 'embeddings emb-1', [], async (at) =>
    clientOf(at).embeddings.create({ model: 'emb-1', input: ASK, encoding_format: 'float' }),
  ),
  does('transcription', 'audio.transcription whisper-1', ['text'], async (at) =>
    clientOf(at).audio.transcriptions.create({
      model: 'whisper-1',
      file: await toFile(Buffer.from('RIFF\0\0'), 'call.wav', { type: 'audio/wav' }),
      prompt: ASK,
    }),
  ),
  does('speech', 'audio.speech tts-1', [], async (at) => {
    const answer = await clientOf(at).audio.speech.create({ model: 'tts-1', input: ASK, voice: 'alloy' });
    return Buffer.from(await answer.arrayBuffer()).toString('hex');
  }),
  does('image', 'images.generate image-1', ['data.0.revised_prompt'], async (at) =>
    clientOf(at).images.generate({ model: 'image-1', prompt: ASK }),
  ),
  does('batch-file', 'batch ', [], async (at) =>
    clientOf(at).files.create({ purpose: 'batch', file: await toFile(Buffer.from(BATCH), 'batch.jsonl') }),
  ),
];
