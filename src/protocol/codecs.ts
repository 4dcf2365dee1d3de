/** Every wire protocol that a service can speak. */

import { anthropic } from './anthropic.ts';
import type { Codec } from './codec.ts';
import { grpcOnly } from './grpc-only.ts';
import { http } from './http.ts';
import { kserve } from './kserve.ts';
import { ollama } from './ollama.ts';
import { openai } from './openai.ts';

/** A `protocol` of the config. */
export type Protocol = 'openai' | 'anthropic' | 'ollama' | 'kserve' | 'http' | 'grpc';

/** The codecs by the name that the config gives them. */
export const codecs: Readonly<Record<Protocol, Codec>> = { openai, anthropic, ollama, kserve, http, grpc: grpcOnly };
