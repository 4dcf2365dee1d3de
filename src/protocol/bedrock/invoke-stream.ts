/** Bedrock InvokeModelWithResponseStream: the first event shows whose documents these are, and their reader takes over. */

import { anthropicStream } from '../anthropic/stream.ts';
import { converseStream } from './stream.ts';
import type { EventReading, StreamReader, Usage } from '../codec.ts';
import { countIn, growingStrings } from '../growing-strings.ts';
import { openaiChatStream } from '../openai/chat-stream.ts';
import { eventObject, THE_END } from '../framing/stream-shape.ts';
import { isObject, type JsonObject, member } from '../value.ts';

const METRICS = 'amazon-bedrock-invocationMetrics';

/** Every vendor's last event carries what Bedrock itself has counted. */
const metricsIn = (event: unknown): Usage | null => {
  const metrics = member(event, METRICS);
  const input = countIn(metrics, 'inputTokenCount');
  const output = countIn(metrics, 'outputTokenCount');
  return input === null && output === null ? null : { input: input ?? 0, output: output ?? 0 };
};

const CONVERSE = /^(?:message(?:Start|Stop)|contentBlock(?:Start|Delta|Stop)|metadata)$/;

/** Amazon Nova: events of Converse, each under its name in a document of its own. */
class NamedEvents implements StreamReader {
  private readonly inner = converseStream();

  read(_event: string, value: unknown): EventReading {
    const [event = '', ...more] = Object.keys(eventObject(value)).filter((name) => CONVERSE.test(name));
    if (more.length > 0 || event === '') return this.inner.read('', value);
    const reading = this.inner.read(event, member(value, event));
    return {
      ...reading,
      deltas: reading.deltas.map((delta) => ({ ...delta, path: [event, ...delta.path] })),
      signature: reading.signature === null ? null : { ...reading.signature, path: [event, ...reading.signature.path] },
    };
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    const { event, value } = this.inner.delta(channel, text);
    return { event: '', value: { [event]: value } };
  }
}

/** Titan, Llama, Mistral, AI21, Writer: texts under names of their own. */
const vendorStream = (): StreamReader =>
  growingStrings({
    whole: new Set([
      'stop_reason',
      'finish_reason',
      'completionReason',
      'stopReason',
      'role',
      'type',
      'id',
      'model',
      'object',
    ]),
    ends: (event) => member(event, METRICS) !== undefined,
    usage: metricsIn,
  });

const readerFor = (first: JsonObject): StreamReader => {
  if (typeof first['type'] === 'string') return anthropicStream();
  if (Array.isArray(first['choices'])) return openaiChatStream();
  return Object.keys(first).some((name) => CONVERSE.test(name)) ? new NamedEvents() : vendorStream();
};

class InvokeReader implements StreamReader {
  private reader: StreamReader | null = null;

  read(event: string, value: unknown): EventReading {
    const object = eventObject(value);
    if (event.endsWith('Exception')) return THE_END;
    this.reader ??= readerFor(object);
    const reading = this.reader.read(event, object);
    return isObject(object[METRICS])
      ? { ...reading, closes: 'all', usage: metricsIn(object) ?? reading.usage }
      : reading;
  }

  delta(channel: string, text: string): { readonly event: string; readonly value: unknown } {
    // A channel that is open was read by somebody.
    return (this.reader ?? vendorStream()).delta(channel, text);
  }
}

/** Returns a reader for one streamed answer of InvokeModel. */
export const invokeStream = (): StreamReader => new InvokeReader();
