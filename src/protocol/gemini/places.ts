/** Gemini: where strings are data, and where an answer repeats its text. (ai.google.dev/api, generate-content) */

import type { JsonStep } from '../../call.ts';
import type { Places, PlaceRule } from '../places.ts';

const id: PlaceRule = { kind: 'id' };

/** Places of requests, answers and events. */
export const GEMINI_PLACES: Places = {
  rules: {
    id,
    model: id,
    responseId: id,
    modelVersion: id,
    cachedContent: id,
    cached_content: id,
    thoughtSignature: id,
    thought_signature: id,
    mimeType: id,
    mime_type: id,
    bytesBase64Encoded: id,
    data: { kind: 'base64', types: [], parents: ['inlineData', 'inline_data'] },
  },
  free: new Set([
    'args',
    'response',
    'parameters',
    'parametersJsonSchema',
    'parameters_json_schema',
    'responseSchema',
    'response_schema',
    'responseJsonSchema',
    'response_json_schema',
    'labels',
  ]),
};

/** Returns true for what repeats the text token by token. */
export const geminiLeaks = (path: readonly JsonStep[]): boolean => {
  const last = path.at(-1);
  if (last !== 'logprobsResult' && last !== 'tokensInfo') return false;
  return !path.some((step) => GEMINI_PLACES.free.has(String(step)));
};
