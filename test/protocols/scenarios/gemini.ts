import { GoogleGenAI } from '@google/genai';
import { ASK, ASK_TOOL, collect, type Endpoint, scenariosOf } from './scenario.ts';

const clientOf = ({ url, token }: Endpoint): GoogleGenAI =>
  new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: url, apiVersion: 'v1beta' } });

/** The client keeps the answer's head, which differs from call to call. */
const seen = (answer: object): unknown =>
  JSON.parse(JSON.stringify(answer, (name, value: unknown) => (name === 'sdkHttpResponse' ? undefined : value)));

const ask = { model: 'gemini-1', contents: ASK };
const does = scenariosOf('gemini', '@google/genai');
const doesWritten = scenariosOf('gemini', '@google/genai', 'a server after the API reference of ai.google.dev');

/** What the client of Gemini does. */
export const GEMINI = [
  does('generateContent', 'generateContent gemini-1', ['candidates.0.content.parts.0.text'], async (at) =>
    seen(await clientOf(at).models.generateContent({ ...ask, config: { maxOutputTokens: 64 } })),
  ),
  does(
    'streamGenerateContent',
    'streamGenerateContent gemini-1 stream',
    ['candidates.0.content.parts.0.text'],
    async (at) => collect(await clientOf(at).models.generateContentStream(ask), seen),
  ),
  does(
    'streamGenerateContent-tool',
    'streamGenerateContent gemini-1 stream',
    ['candidates.0.content.parts.0.functionCall.args.to'],
    async (at) =>
      collect(
        await clientOf(at).models.generateContentStream({
          model: 'gemini-1',
          contents: ASK_TOOL,
          config: { tools: [{ functionDeclarations: [{ name: 'mail', description: 'Sends a mail.' }] }] },
        }),
        seen,
      ),
  ),
  doesWritten('batchEmbedContents', 'batchEmbedContents gemini-embed-1', [], async (at) =>
    seen(await clientOf(at).models.embedContent({ model: 'gemini-embed-1', contents: [ASK, ASK] })),
  ),
];
