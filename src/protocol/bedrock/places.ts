/** Bedrock Converse: where strings are data. (docs.aws.amazon.com, Amazon Bedrock API reference) */

import type { JsonStep } from '../../call.ts';
import type { Places, PlaceRule } from '../places.ts';

const id: PlaceRule = { kind: 'id' };

/** Places of requests, answers and events. `p` pads events against guessing by length. */
export const BEDROCK_PLACES: Places = {
  rules: {
    p: id,
    toolUseId: id,
    signature: id,
    redactedContent: id,
    guardrailIdentifier: id,
    guardrailVersion: id,
    bytes: { kind: 'base64', types: [], parents: ['source'] },
  },
  free: new Set([
    'input',
    'json',
    'additionalModelRequestFields',
    'additionalModelResponseFields',
    'requestMetadata',
    'promptVariables',
  ]),
};

/** `reasoningText.text` is signed by `reasoningText.signature`. */
export const bedrockSignature = (path: readonly JsonStep[]): readonly JsonStep[] | null =>
  path.at(-1) === 'text' && path.at(-2) === 'reasoningText' ? [...path.slice(0, -1), 'signature'] : null;
