/** Every wire protocol that a service can speak. */

import { anthropic } from './anthropic/anthropic.ts';
import { azure } from './openai/azure.ts';
import { bedrock } from './bedrock/bedrock.ts';
import type { Codec } from './codec.ts';
import { cohere } from './cohere/cohere.ts';
import { gemini } from './gemini/gemini.ts';
import { grpcOnly } from './grpc/only.ts';
import { http, httpCodec, type HttpPlaces } from './http.ts';
import { kserve } from './kserve/kserve.ts';
import { mcp } from './mcp/mcp.ts';
import { llamaServer } from './llama-server.ts';
import { tgi } from './tgi.ts';
import { vllm } from './vllm.ts';
import { ollama } from './ollama/ollama.ts';
import { openai } from './openai/openai.ts';
import { sagemaker } from './sagemaker.ts';
import { tfserving } from './tfserving.ts';
import { torchserve } from './torchserve.ts';

/** A `protocol` of the config. */
export type Protocol =
  | 'openai'
  | 'azure'
  | 'anthropic'
  | 'bedrock'
  | 'cohere'
  | 'gemini'
  | 'ollama'
  | 'tgi'
  | 'vllm'
  | 'llama-server'
  | 'kserve'
  | 'tfserving'
  | 'torchserve'
  | 'sagemaker'
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
  tgi,
  vllm,
  'llama-server': llamaServer,
  kserve,
  tfserving,
  torchserve,
  sagemaker,
  mcp,
  http,
  grpc: grpcOnly,
};

/** Returns the codec of a service; one that speaks `http` may say where its texts are. Throws SelectorError. */
export const codecFor = (protocol: Protocol, places: HttpPlaces): Codec =>
  protocol === 'http' ? httpCodec(places) : codecs[protocol];
