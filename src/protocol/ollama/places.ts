/** Ollama: where strings are data, and where an answer repeats its text. (ollama/ollama, docs/api.md and api/types.go) */

import type { JsonStep } from '../../call.ts';
import type { Places, PlaceRule } from '../places.ts';

const id: PlaceRule = { kind: 'id' };

/** Places of requests, answers and events. */
export const OLLAMA_PLACES: Places = {
  rules: {
    model: id,
    name: id,
    digest: id,
    created_at: id,
    modified_at: id,
    expires_at: id,
    images: id,
    image: id,
    id,
  },
  free: new Set(['arguments', 'format', 'parameters', 'properties', 'model_info', 'options']),
};

/** Returns true for what repeats the text token by token: the context that a later request continues, and logprobs. */
export const ollamaLeaks = (path: readonly JsonStep[]): boolean => {
  const last = path.at(-1);
  return (path.length === 1 && last === 'context') || (last === 'logprobs' && !path.includes('arguments'));
};
