/** OpenAI: transcripts, speech and images, streamed as typed events. (openai/openai-openapi, openapi.yaml) */

import type { Delta, EventReading, StreamReader } from '../codec.ts';
import { openaiUsage } from './usage.ts';
import { eventObject, NOTHING, THE_END, unknownEvent } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, stringMember } from '../value.ts';

const CHANNEL = 'transcript';

/** Events that show something whole: pictures and sound in base64, a stretch of the transcript with its times. */
const WHOLE: ReadonlySet<string> = new Set([
  'transcript.text.segment',
  'speech.audio.delta',
  'image_generation.partial_image',
  'image_edit.partial_image',
]);

const ENDS: ReadonlySet<string> = new Set([
  'transcript.text.done',
  'speech.audio.done',
  'image_generation.completed',
  'image_edit.completed',
  'error',
]);

class MediaReader implements StreamReader {
  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    const type = stringMember(object, 'type') || event;
    if (type === 'transcript.text.delta') return this.grown(object);
    if (ENDS.has(type) || isObject(object['error'])) return { ...THE_END, usage: openaiUsage(object) };
    return WHOLE.has(type) ? NOTHING : unknownEvent(object);
  }

  delta(_channel: string, text: string): { readonly event: string; readonly value: unknown } {
    return { event: '', value: { type: 'transcript.text.delta', delta: text } };
  }

  private grown({ delta }: JsonObject): EventReading {
    if (typeof delta !== 'string') return unknownEvent(delta);
    const grown: Delta = { channel: CHANNEL, path: ['delta'], text: delta, kind: 'text' };
    return { ...NOTHING, deltas: [grown] };
  }
}

/** Returns a reader for one streamed answer of the audio and image operations. */
export const openaiMediaStream = (): StreamReader => new MediaReader();
