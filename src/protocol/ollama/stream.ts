/** Ollama, streamed: a line holds the next piece of each growing string, the last one says `done`. */

import { Failure } from '../../reasons.ts';
import type { Delta, EventReading, StreamReader, Usage } from '../codec.ts';
import { eventObject, THE_END } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, member } from '../value.ts';

/** Strings of a line that come whole. Every other one is taken to grow from line to line, known or not. */
const WHOLE: ReadonlySet<string> = new Set([
  'model',
  'created_at',
  'done_reason',
  'remote_model',
  'remote_host',
  'role',
  'tool_name',
  'tool_call_id',
  // of a model that is pulled, pushed or made
  'status',
  'digest',
  // a picture in base64
  'image',
]);

const count = (line: unknown, name: string): number | null => {
  const value = member(line, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

/** Returns the tokens that a whole answer or its last line counts, or null. */
export const ollamaUsage = (line: unknown): Usage | null => {
  const input = count(line, 'prompt_eval_count');
  const output = count(line, 'eval_count');
  return input === null && output === null ? null : { input: input ?? 0, output: output ?? 0 };
};

class OllamaReader implements StreamReader {
  /** Channels by the path of their string. */
  private readonly paths = new Map<string, readonly string[]>();
  private latest: JsonObject = {};

  read(_event: string, value: unknown): EventReading {
    const line = eventObject(value);
    if (typeof line['error'] === 'string') return THE_END;
    this.latest = line;
    const deltas = this.growing(line, []);
    const { message } = line;
    if (isObject(message)) deltas.push(...this.growing(message, ['message']));
    return { deltas, closes: line['done'] === true ? 'all' : [], usage: ollamaUsage(line), signature: null };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const path = this.paths.get(channel);
    if (path === undefined) throw new Failure('internal', 'expected a channel that was read before');
    const [first = '', second] = path;
    const grown =
      second === undefined ? { [first]: text } : { message: { role: 'assistant', content: '', [second]: text } };
    return {
      event: '',
      value: { model: this.latest['model'], created_at: this.latest['created_at'], ...grown, done: false },
    };
  }

  private growing(object: JsonObject, around: readonly string[]): Delta[] {
    const deltas: Delta[] = [];
    for (const name in object) {
      const text = object[name];
      if (typeof text !== 'string' || WHOLE.has(name)) continue;
      const path = [...around, name];
      const channel = path.join('.');
      this.paths.set(channel, path);
      deltas.push({ channel, path, text, kind: 'text' });
    }
    return deltas;
  }
}

/** Returns a reader for one streamed answer of Ollama's own API. */
export const ollamaStream = (): StreamReader => new OllamaReader();
