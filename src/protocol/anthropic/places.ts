/** Anthropic: where strings are data. (docs.anthropic.com, API reference: Messages) */

import type { Places, PlaceRule } from '../places.ts';

const id: PlaceRule = { kind: 'id' };

/** Places of requests, answers and events. */
export const ANTHROPIC_PLACES: Places = {
  rules: {
    id,
    tool_use_id: id,
    file_id: id,
    container: id,
    skill_id: id,
    user_profile_id: id,
    workspace_id: id,
    model: id,
    signature: id,
    encrypted_content: id,
    encrypted_index: id,
    encrypted_stdout: id,
    data: { kind: 'base64', types: ['base64', 'redacted_thinking'], parents: [] },
  },
  free: new Set(['headers', 'input', 'input_examples', 'input_schema', 'metadata', 'schema']),
};
