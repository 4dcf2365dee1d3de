/**
 * Gemini, streamed: the parts of each candidate go on from event to event. Text goes on as one text until a part of
 * another kind comes: what the model thinks, says and calls are told apart, as the whole answer has them apart.
 */

import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, Usage } from '../codec.ts';
import { eventObject, positionOf, THE_END } from '../framing/stream-shape.ts';
import { isObject, itemsOf, type JsonObject, member } from '../value.ts';

const count = (usage: unknown, name: string): number => {
  const value = member(usage, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
};

/** Returns the tokens that an answer or event counts, or null. */
export const geminiUsage = (value: unknown): Usage | null => {
  const usage = member(value, 'usageMetadata');
  if (!isObject(usage)) return null;
  return {
    input: count(usage, 'promptTokenCount') + count(usage, 'toolUsePromptTokenCount'),
    output: count(usage, 'candidatesTokenCount') + count(usage, 'thoughtsTokenCount'),
  };
};

/** What a part is, as far as it goes on: a text of one kind, or something that comes whole. */
type Kind = 'text' | 'thought' | 'whole';

const kindOf = (part: JsonObject): Kind => {
  if (typeof part['text'] !== 'string') return 'whole';
  return part['thought'] === true ? 'thought' : 'text';
};

/** Where a candidate is: the text that goes on, and how many there were. */
interface Progress {
  kind: Kind;
  texts: number;
}

interface Channel {
  readonly candidate: number;
  readonly kind: Kind;
}

const REPEATED = ['modelVersion', 'responseId'] as const;

class GeminiReader implements StreamReader {
  private readonly progress = new Map<number, Progress>();
  private readonly channels = new Map<string, Channel>();
  private latest: JsonObject = {};

  read(_event: string, value: unknown): EventReading {
    const chunk = eventObject(value);
    if (isObject(chunk['error'])) return THE_END;
    this.latest = chunk;
    const deltas: Delta[] = [];
    const closes: string[] = [];
    const candidates = itemsOf(chunk['candidates']);
    for (let i = 0; i < candidates.length; i++) this.candidate(candidates[i], i, deltas, closes);
    return { deltas, closes, usage: geminiUsage(chunk), signature: null };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    const repeated: Record<string, unknown> = {};
    for (const name of REPEATED) if (this.latest[name] !== undefined) repeated[name] = this.latest[name];
    const part = found.kind === 'thought' ? { text, thought: true } : { text };
    const content = { role: 'model', parts: [part] };
    return { event: '', value: { candidates: [{ content, index: found.candidate }], ...repeated } };
  }

  private candidate(candidate: unknown, position: number, deltas: Delta[], closes: string[]): void {
    const index = positionOf(member(candidate, 'index'), position);
    const progress = this.progress.get(index) ?? { kind: 'whole', texts: 0 };
    this.progress.set(index, progress);
    const parts = itemsOf(member(member(candidate, 'content'), 'parts'));
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (!isObject(part)) throw new Failure('answer-unreadable', 'expected a part to be an object');
      this.turn(index, progress, kindOf(part), closes);
      const { text } = part;
      if (typeof text !== 'string') {
        refusePartial(part);
        continue;
      }
      const path = ['candidates', position, 'content', 'parts', i, 'text'];
      deltas.push({ channel: nameOf(index, progress), path, text, kind: 'text' });
    }
    if (typeof member(candidate, 'finishReason') === 'string') this.turn(index, progress, 'whole', closes);
  }

  /** Goes over to a part of this kind, which ends a text of another one. */
  private turn(candidate: number, progress: Progress, kind: Kind, closes: string[]): void {
    if (progress.kind === kind) return;
    if (progress.kind !== 'whole') closes.push(nameOf(candidate, progress));
    progress.kind = kind;
    if (kind === 'whole') return;
    progress.texts++;
    this.channels.set(nameOf(candidate, progress), { candidate, kind });
  }
}

const nameOf = (candidate: number, { texts }: Progress): string => `candidate ${candidate} text ${texts}`;

/** Arguments that come in pieces, each with its own path, are not followed. (Vertex AI, streamFunctionCallArguments) */
const refusePartial = ({ functionCall }: JsonObject): void => {
  if (member(functionCall, 'partialArgs') !== undefined)
    throw new Failure('answer-unreadable', 'expected the arguments of a call to come whole');
};

/** Returns a reader for one streamed answer. */
export const geminiStream = (): StreamReader => new GeminiReader();
