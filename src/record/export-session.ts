/** Recorded calls in the formats of other tools. Exports prove nothing: that is what `sallyport ledger prove` is for. */

import type { Codec } from '../protocol/codec.ts';
import { bodyOf, requestOf, type RecordedSession } from './read-session.ts';
import { answerHead, answerText, fieldOf } from './session-texts.ts';

const iso = (at: number): string => new Date(at).toISOString();
const millis = (micros: number): number => Math.max(0, micros) / 1000;

/** Fields whose values were left out when the call was recorded say so. */
const headersOf = (fields: readonly (string | null)[]): readonly { readonly name: string; readonly value: string }[] =>
  fields.flatMap((name, at) =>
    at % 2 === 0 && name !== null ? [{ name, value: fields[at + 1] ?? '(not recorded)' }] : [],
  );

const contentOf = (bytes: Buffer): { readonly text: string; readonly encoding?: 'base64' } => {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? { text } : { text: bytes.toString('base64'), encoding: 'base64' };
};

/** Returns one entry of a HAR 1.2 log (http://www.softwareishard.com/blog/har-12-spec/), with the pieces of the answer. */
function harEntry(session: RecordedSession): object {
  const { row, opening, details, ending, events } = session;
  const { status = 0, fields = [] } = answerHead(session);
  const [request, answer] = [requestOf(session), bodyOf(session, 'd')];
  const query = [...new URLSearchParams(details.query)].map(([name, value]) => ({ name, value }));
  const first = ending?.first ?? -1;
  const end = events.at(-1)?.at ?? 0;
  return {
    startedDateTime: iso(opening.at),
    time: millis(end),
    request: {
      method: details.method,
      url: `http://${fieldOf(details.fields, 'host') || 'sallyport'}/${opening.service}${details.path}${details.query && `?${details.query}`}`,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: headersOf(details.fields),
      queryString: query,
      headersSize: -1,
      bodySize: request.length,
      ...(request.length === 0
        ? {}
        : { postData: { mimeType: fieldOf(details.fields, 'content-type'), ...contentOf(request) } }),
    },
    response: {
      status: status || (ending?.status ?? 0),
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: headersOf(fields),
      content: { size: answer.length, mimeType: fieldOf(fields, 'content-type'), ...contentOf(answer) },
      redirectURL: '',
      headersSize: -1,
      bodySize: answer.length,
    },
    cache: {},
    timings: { send: 0, wait: millis(first), receive: millis(first < 0 ? 0 : end - first) },
    _session: row.id,
    _caller: opening.caller,
    _verdict: { effect: opening.effect, rule: opening.rule, reason: ending?.reason ?? '' },
    _chunks: events.flatMap(({ at, code, payload }) =>
      code === 'd' ? [{ at: millis(at), size: payload.length }] : [],
    ),
  };
}

/** Returns sessions as a HAR 1.2 log. */
export const harOf = (sessions: readonly RecordedSession[], version: string): object => ({
  log: { version: '1.2', creator: { name: 'sallyport', version }, entries: sessions.map(harEntry) },
});

type Value = { readonly stringValue: string } | { readonly intValue: string };

const valueOf = (value: string | number): Value =>
  // int64 is a string in OTLP/JSON (https://protobuf.dev/programming-guides/json/)
  typeof value === 'string' ? { stringValue: value } : { intValue: String(value) };

const attributesOf = (values: Readonly<Record<string, string | number | undefined>>) =>
  Object.entries(values).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [{ key, value: valueOf(value) }],
  );

const nanos = (at: number, micros: number): string => (BigInt(at) * 1_000_000n + BigInt(micros) * 1000n).toString();

function otlpRecord(session: RecordedSession, codec: Codec): object {
  const { row, opening, ending, events } = session;
  return {
    timeUnixNano: nanos(opening.at, 0),
    observedTimeUnixNano: nanos(opening.at, events.at(-1)?.at ?? 0),
    severityNumber: ending?.reason === 'completed' ? 9 : 13,
    severityText: ending?.reason === 'completed' ? 'INFO' : 'WARN',
    eventName: 'gen_ai.client.inference.operation.details',
    body: { stringValue: answerText(session, codec) },
    attributes: attributesOf({
      // OpenTelemetry semantic conventions for generative AI
      'gen_ai.operation.name': opening.operation,
      'gen_ai.request.model': opening.model,
      'gen_ai.request.max_tokens': opening.facts.maxTokens,
      'gen_ai.usage.input_tokens': ending?.usage?.input,
      'gen_ai.usage.output_tokens': ending?.usage?.output,
      'http.response.status_code': ending?.status,
      'error.type': ending === null || ending.reason === 'completed' ? '' : ending.reason,
      'user.id': opening.caller === null ? '' : `${opening.caller.issuer}|${opening.caller.subject}`,
      'session.id': row.id,
      'sallyport.service': opening.service,
      'sallyport.rule': opening.rule,
      'sallyport.effect': opening.effect,
      'sallyport.reason': ending?.reason,
      'sallyport.request': requestOf(session).toString('utf8'),
    }),
  };
}

/** Returns sessions as OTLP logs in their JSON form (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */
export const otlpOf = (sessions: readonly RecordedSession[], codecOf: (service: string) => Codec): object => ({
  resourceLogs: [
    {
      resource: { attributes: attributesOf({ 'service.name': 'sallyport' }) },
      scopeLogs: [
        {
          scope: { name: 'sallyport' },
          logRecords: sessions.map((each) => otlpRecord(each, codecOf(each.opening.service))),
        },
      ],
    },
  ],
});
