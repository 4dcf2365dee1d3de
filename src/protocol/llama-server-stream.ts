/** llama-server's own completions, streamed: one growing text for each prompt, told apart by `index`. */

import { Failure } from '../reasons.ts';
import type { Delta, EventReading, StreamReader, Usage } from './codec.ts';
import { countIn } from './growing-strings.ts';
import { eventObject, positionOf, THE_END } from './framing/stream-shape.ts';

/** Strings of an event that come whole. Every other one is taken to grow, known or not. */
const WHOLE: ReadonlySet<string> = new Set(['model', 'prompt', 'stop_type', 'stopping_word', 'id']);

/** Returns the tokens that an answer or its last event counts, or null. */
export const llamaUsage = (value: unknown): Usage | null => {
  const input = countIn(value, 'tokens_evaluated');
  const output = countIn(value, 'tokens_predicted');
  return input === null && output === null ? null : { input: input ?? 0, output: output ?? 0 };
};

class CompletionReader implements StreamReader {
  private readonly channels = new Map<string, { readonly index: number; readonly member: string }>();

  read(_event: string, value: unknown): EventReading {
    const object = eventObject(value);
    if (object['error'] !== undefined) return THE_END;
    const index = positionOf(object['index'], 0);
    const deltas: Delta[] = [];
    for (const member in object) {
      const text = object[member];
      if (typeof text !== 'string' || WHOLE.has(member)) continue;
      const channel = `${index} ${member}`;
      this.channels.set(channel, { index, member });
      deltas.push({ channel, path: [member], text, kind: 'text' });
    }
    const isLast = object['stop'] === true;
    return { deltas, closes: isLast ? this.of(index) : [], usage: isLast ? llamaUsage(object) : null, signature: null };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const found = this.channels.get(channel);
    if (found === undefined) throw new Failure('internal', 'expected a channel that was read before');
    return { event: '', value: { index: found.index, [found.member]: text, tokens: [], stop: false } };
  }

  private of(index: number): readonly string[] {
    return [...this.channels].filter(([, channel]) => channel.index === index).map(([name]) => name);
  }
}

/** Returns a reader for one streamed completion. */
export const llamaStream = (): StreamReader => new CompletionReader();
