/** Media types as far as they decide how a body is read (RFC 9110 §8.3.1). */

const TYPE = /^\s*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)\s*(?:;|$)/;
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)"?/gi;

/** How a body is to be read: `other` is in no form that texts are found in. */
export type BodyForm = 'json' | 'sse' | 'ndjson' | 'eventstream' | 'text' | 'none' | 'other';

/** Everything is read as UTF-8, of which US-ASCII is a part; another charset would be another text. */
const isUtf8 = (value: string): boolean => {
  const charsets = [...value.matchAll(CHARSET)].map(([, charset]) => charset?.toLowerCase());
  return charsets.every((charset) => charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii');
};

const STREAMS: Readonly<Record<string, BodyForm>> = {
  'text/event-stream': 'sse',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/jsonlines': 'ndjson',
  'application/vnd.amazon.eventstream': 'eventstream',
};

/** Returns how a body of this content type is to be read; `none` when there is no type. */
export const bodyForm = (contentType: string): BodyForm => {
  // What nearly every body says needs no parsing.
  if (contentType === 'application/json') return 'json';
  if (contentType === '') return 'none';
  const type = TYPE.exec(contentType)?.[1]?.toLowerCase();
  if (type === undefined || !isUtf8(contentType)) return 'other';
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  if (Object.hasOwn(STREAMS, type)) return STREAMS[type] ?? 'other';
  return type === 'text/plain' ? 'text' : 'other';
};
