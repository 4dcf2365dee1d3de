/** Every wire protocol that a service can speak. */

import { anthropic } from './anthropic.ts';
import { azure } from './azure.ts';
import { bedrock } from './bedrock.ts';
import type { Codec } from './codec.ts';
import { cohere } from './cohere.ts';
import { gemini } from './gemini.ts';
import { grpcOnly } from './grpc-only.ts';
import { http } from './http.ts';
import { kserve } from './kserve.ts';
import { mcp } from './mcp.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';

/** A `protocol` of the config. */
export type Protocol =
  | 'openai'
  | 'azure'
  | 'anthropic'
  | 'bedrock'
  | 'cohere'
  | 'gemini'
  | 'ollama'
  | 'kserve'
  | 'mcp'
  | 'http'
  | 'grpc';

/** The codecs by the name that the config gives them. */
export const codecs: Readonly<Record<Protocol, Codec>> = {
  openai,
  azure,
  anthropic,
  bedrock,
  cohere,
  gemini,
  ollama,
  kserve,
  mcp,
  http,
  grpc: grpcOnly,
};
