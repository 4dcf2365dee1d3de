/** Gemini: where functions are called, and code is run. (ai.google.dev/api) */

import type { ToolCall } from '../../call.ts';
import type { CallReading } from '../codec.ts';
import { protoMember } from '../grpc/protojson.ts';
import { withResults } from '../openai/tool-calls.ts';
import { callIn, wholePieces } from '../tool-calls.ts';
import { isObject, itemsOf, member, stringMember } from '../value.ts';

const partsOf = (content: unknown): readonly unknown[] => itemsOf(member(content, 'parts'));

const callsIn = (part: unknown): readonly ToolCall[] => {
  const called = protoMember(part, 'functionCall');
  const code = protoMember(part, 'executableCode');
  return [
    ...(isObject(called) ? [callIn(called, 'name', 'args')] : []),
    ...(isObject(code) ? [{ name: 'code_execution', arguments: code }] : []),
  ];
};

const toldBy = (part: unknown): readonly ToolCall[] => {
  const name = stringMember(protoMember(part, 'functionResponse'), 'name');
  return name === '' ? [] : [{ name, arguments: {} }];
};

const whole = (document: unknown): readonly ToolCall[] => {
  const asked = protoMember(document, 'generateContentRequest');
  const holder = isObject(asked) ? asked : document;
  const contents = member(holder, 'contents');
  const parts = [
    ...(Array.isArray(contents) ? itemsOf(contents) : [contents]).flatMap(partsOf),
    ...itemsOf(member(document, 'candidates')).flatMap((candidate) => partsOf(member(candidate, 'content'))),
  ];
  return withResults(parts.flatMap(callsIn), parts.flatMap(toldBy));
};

/** Functions are called whole, also in streams. */
export const GEMINI_CALLS: CallReading = {
  whole,
  event: (_, value) => ({ pieces: wholePieces(whole(value)), ends: [] }),
};
