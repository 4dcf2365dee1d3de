/**
 * Streams of model containers whose shape the first event tells: OpenAI's chunks (vLLM, LMI), or a token each (Text
 * Generation Inference, DJL Serving). Nothing else is read: a text that goes on in a shape nobody knows cannot be masked.
 */

import { Failure } from '../reasons.ts';
import type { EventReading, StreamReader } from './codec.ts';
import { eventObject } from './framing/stream-shape.ts';
import { openaiChatStream } from './openai/chat-stream.ts';
import { generationStream } from './tgi.ts';
import { isObject, type JsonObject } from './value.ts';

type Shape = 'choices' | 'token';

const shapeOf = (event: JsonObject): Shape | null => {
  if (Array.isArray(event['choices'])) return 'choices';
  return isObject(event['token']) || typeof event['generated_text'] === 'string' ? 'token' : null;
};

const READERS: Readonly<Record<Shape, () => StreamReader>> = { choices: openaiChatStream, token: generationStream };

class ContainerReader implements StreamReader {
  private shape: Shape | null = null;
  private reader: StreamReader | null = null;

  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    const shape = shapeOf(object);
    // an error may end a stream of any shape; one that comes first has no reader yet, and what reads it knows errors
    const isError = shape === null && object['error'] !== undefined;
    const known = isError ? (this.shape ?? 'token') : shape;
    if (known === null || known !== (this.shape ?? known))
      throw new Failure('answer-unreadable', 'expected a stream of chunks with choices or tokens, found another event');
    this.shape = known;
    this.reader ??= READERS[known]();
    return this.reader.read(event, object);
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    if (this.reader === null) throw new Failure('internal', 'expected a channel that was read before');
    return this.reader.delta(channel, text);
  }
}

/** Returns a reader for one stream of a model container. */
export const containerStream = (): StreamReader => new ContainerReader();
