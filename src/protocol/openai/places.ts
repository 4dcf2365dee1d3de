/** OpenAI: where strings are data or JSON, and where an answer repeats its text. (openai/openai-openapi, openapi.yaml) */

import type { JsonStep } from '../../call.ts';
import type { Places, PlaceRule } from '../places.ts';

const id: PlaceRule = { kind: 'id' };
const base64 = (types: readonly string[], parents: readonly string[]): PlaceRule => ({
  kind: 'base64',
  types,
  parents,
});

/** Places of requests, answers and events. */
export const OPENAI_PLACES: Places = {
  rules: {
    id,
    call_id: id,
    caller_id: id,
    tool_call_id: id,
    item_id: id,
    response_id: id,
    previous_response_id: id,
    approval_request_id: id,
    file_id: id,
    file_ids: id,
    vector_store_ids: id,
    container_id: id,
    conversation: id,
    model: id,
    fingerprint: id,
    signature: id,
    system_fingerprint: id,
    obfuscation: id,
    encrypted_content: id,
    b64_json: id,
    partial_image_b64: id,
    embedding: id,
    url: { kind: 'uri' },
    image_url: { kind: 'uri' },
    file_data: base64(['input_file'], ['file']),
    data: base64(['output_audio', 'reasoning.encrypted'], ['input_audio', 'audio']),
    result: base64(['image_generation_call'], []),
    arguments: { kind: 'json' },
  },
  free: new Set([
    'arguments',
    'attributes',
    'chat_template_kwargs',
    'documents',
    'env',
    'extra_body',
    'headers',
    'input_schema',
    'metadata',
    'parameters',
    'schema',
    'variables',
  ]),
};

/** Returns true for what repeats a transcript word by word or in tokens: an entity may be split over them. */
export const transcriptLeaks = (path: readonly JsonStep[]): boolean => {
  const last = path.at(-1);
  return last === 'words' || (last === 'tokens' && path[0] === 'segments');
};

const LEAKS: ReadonlySet<JsonStep> = new Set(['logprobs', 'token_ids', 'prompt_logprobs', 'prompt_token_ids']);

/**
 * Returns true for a value that repeats the answer's text token by token, where no mask reaches it. `token_ids` is
 * vLLM's `return_token_ids`.
 */
export const openaiLeaks = (path: readonly JsonStep[]): boolean => {
  const last = path[path.length - 1];
  if (last === undefined || !LEAKS.has(last)) return false;
  return !path.some((step) => OPENAI_PLACES.free.has(String(step)));
};
