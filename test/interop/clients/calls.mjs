/**
 * What the frameworks of applications see of their providers: `node calls.mjs URL TOKEN`, with a service of each provider's
 * name below URL. Prints one line of JSON.
 */

import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatOllama } from '@langchain/ollama';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embed, generateText, jsonSchema, streamText, tool } from 'ai';
import process from 'node:process';

const [, , url = '', token = ''] = process.argv;
const ASK = 'Who can help me?';
const ASK_TOOL = 'Send the mail.';
const MAIL = { type: 'object', properties: { to: { type: 'string' }, n: { type: 'number' } } };

/** Returns the chunks of a stream. */
const all = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
};

/** What a call comes to: its result, or the status of its error. */
const told = async (run) => {
  try {
    return await run();
  } catch (error) {
    return { error: error.name, status: error.statusCode ?? error.status ?? error.status_code ?? null };
  }
};

/** What the AI SDK does with one model. */
const withAi = (model) => {
  const quiet = { model, maxRetries: 0 };
  const mail = tool({ description: 'Sends a mail.', inputSchema: jsonSchema(MAIL) });
  return {
    generate: async () => {
      const { text, finishReason, usage } = await generateText({ ...quiet, prompt: ASK });
      return { text, finishReason, usage };
    },
    stream: async () => {
      const failures = [];
      const { textStream, finishReason } = streamText({
        ...quiet,
        prompt: ASK,
        onError: ({ error }) => void failures.push(error),
      });
      const parts = await all(textStream);
      if (failures.length > 0) throw failures[0];
      return { parts, finishReason: await finishReason };
    },
    tool: async () => {
      const { toolCalls } = await generateText({ ...quiet, prompt: ASK_TOOL, tools: { mail } });
      return toolCalls.map(({ toolName, input }) => ({ toolName, input }));
    },
  };
};

/** What LangChain does with one model. */
const withLangchain = (model) => ({
  invoke: async () => {
    const { content, usage_metadata } = await model.invoke(ASK);
    return { content, usage_metadata };
  },
  stream: async () => (await all(await model.stream(ASK))).map(({ content }) => content),
  batch: async () => (await model.batch([ASK, ASK])).map(({ content }) => content),
  tool: async () => {
    const schema = { name: 'mail', description: 'Sends a mail.', schema: MAIL };
    const { tool_calls } = await model.bindTools([schema]).invoke(ASK_TOOL);
    return tool_calls.map(({ name, args }) => ({ name, args }));
  },
});

const openai = createOpenAI({ baseURL: `${url}/openai/v1`, apiKey: token });
const anthropic = createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey: token });
const google = createGoogleGenerativeAI({ baseURL: `${url}/gemini/v1beta`, apiKey: token });
const configuration = { baseURL: `${url}/openai/v1` };

const CLIENTS = {
  'ai, OpenAI chat': withAi(openai.chat('gpt-1')),
  'ai, OpenAI responses': withAi(openai('gpt-1')),
  'ai, Anthropic': withAi(anthropic('claude-1')),
  'ai, Gemini': withAi(google('gemini-1')),
  'ai, OpenAI embeddings': {
    embed: async () => (await embed({ model: openai.embedding('emb-1'), value: ASK, maxRetries: 0 })).embedding,
  },
  'langchain, OpenAI': withLangchain(new ChatOpenAI({ model: 'gpt-1', apiKey: token, maxRetries: 0, configuration })),
  'langchain, Anthropic': withLangchain(
    new ChatAnthropic({ model: 'claude-1', apiKey: token, maxRetries: 0, anthropicApiUrl: `${url}/anthropic` }),
  ),
  'langchain, Ollama': withLangchain(
    new ChatOllama({
      model: 'llama-1',
      maxRetries: 0,
      baseUrl: `${url}/ollama`,
      headers: { authorization: `Bearer ${token}` },
    }),
  ),
  'langchain, OpenAI embeddings': {
    embed: () => new OpenAIEmbeddings({ model: 'emb-1', apiKey: token, maxRetries: 0, configuration }).embedQuery(ASK),
  },
};

const seen = {};
for (const [client, calls] of Object.entries(CLIENTS))
  for (const [name, run] of Object.entries(calls)) seen[`${client}: ${name}`] = await told(run);
console.log(JSON.stringify(seen));
process.exit(0);
