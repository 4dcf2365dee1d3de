/** Bodies of protocols that leave their form to whoever speaks them: JSON, JSON lines, text, bytes. */

import { isUtf8 } from 'node:buffer';
import type { RequestReading, Text } from '../call.ts';
import { Failure, type Reason } from '../reasons.ts';
import { textsInBytes } from './bytes-text.ts';
import type { Operation } from './codec.ts';
import { type Asked, type Content, jsonContent, NOTHING_ASKED, type Piece, type RawBody } from './content.ts';
import { type JsonDocument, readJson } from './json/json.ts';
import { beginsAsJson } from './json/json-pieces.ts';
import { type BodyForm, bodyForm } from './media-type.ts';

const NO_FIELDS: readonly string[] = [];

/** How the bodies of one operation are read. */
export interface FreeReading {
  readonly operation: Operation;
  readonly nonFinite: boolean;
  /** Returns what a document says. */
  readonly read: (value: unknown) => RequestReading;
}

const readingOf = (texts: readonly Text[]): RequestReading => ({ ...NOTHING_ASKED, texts });

const documentContent = ({ operation, read }: FreeReading, document: JsonDocument): Content =>
  jsonContent(operation, document, [{ operation, document: document.value, reading: read(document.value) }]);

/** Returns the document that the bytes hold, null when they hold none that has one reading. */
const documentIn = (bytes: Buffer, nonFinite: boolean): JsonDocument | null => {
  try {
    return readJson(bytes, 'body-unreadable', { loneSurrogates: 'refuse', nonFinite });
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
};

/**
 * Returns the content of a body that is one text. Throws Failure `body-unreadable` for what is no UTF-8. A text that is
 * JSON is read as JSON, because servers do so; one that only begins like it is masked by its strings, as far as it has any.
 */
const textContent = (reading: FreeReading, bytes: Buffer): Content => {
  const { operation, nonFinite } = reading;
  if (!isUtf8(bytes))
    throw new Failure('body-unreadable', 'expected a text in UTF-8', { detail: 'Expected a text in UTF-8.' });
  const text = bytes.toString('utf8');
  const document = beginsAsJson(text) === true ? documentIn(bytes, nonFinite) : null;
  if (document !== null) return documentContent(reading, document);
  const asked: Asked = { operation, document: text, reading: readingOf([{ path: [], text, role: '' }]) };
  return {
    bytes,
    asked: [asked],
    pieces: [{ kind: 'text', text, at: { path: [], tensor: '' } }],
    render: ([is]) => ({ bytes: is ?? bytes, fields: NO_FIELDS }),
  };
};

/** Types in which a text can be spelled otherwise: what one reader decodes, another does not see. */
const CODED = /^\s*(?:application\/x-www-form-urlencoded|multipart\/)/i;

/** Returns the content of a body of any bytes. What is no text as a whole counts as a file that nobody has seen. */
const bytesContent = (reading: FreeReading, { bytes, contentType }: RawBody): Content => {
  const { operation, nonFinite } = reading;
  if (!CODED.test(contentType) && isUtf8(bytes)) return textContent(reading, bytes);
  const document = documentIn(bytes, nonFinite);
  if (document !== null) return documentContent(reading, document);
  const texts = textsInBytes(bytes).map((text): Text => ({ path: [], text, role: '' }));
  return {
    bytes,
    asked: [{ operation, document: null, reading: { ...readingOf(texts), files: 1, unseen: true } }],
    pieces: [{ kind: 'bytes', bytes }],
    render: ([is]) => ({ bytes: is ?? bytes, fields: NO_FIELDS }),
  };
};

/** Adds what several documents say into what one call says. */
const added = (readings: readonly RequestReading[]): RequestReading => {
  const [first = NOTHING_ASKED] = readings;
  const sum = (of: (reading: RequestReading) => number): number =>
    readings.reduce((total, each) => total + of(each), 0);
  const limits = readings.flatMap(({ maxTokens }) => (maxTokens === null ? [] : [maxTokens]));
  return {
    ...first,
    model: readings.every(({ model }) => model === first.model) ? first.model : '',
    stream: readings.some(({ stream }) => stream),
    maxTokens: limits.length < readings.length ? null : sum(({ maxTokens }) => maxTokens ?? 0),
    n: sum(({ n }) => n),
    texts: readings.flatMap(({ texts }) => texts),
    tools: readings.flatMap(({ tools }) => tools),
    images: sum(({ images }) => images),
    audios: sum(({ audios }) => audios),
    files: sum(({ files }) => files),
    tokenIds: sum(({ tokenIds }) => tokenIds),
  };
};

const LF = 0x0a;

/** Returns the lines of a body, each with its LF. */
const linesOf = (bytes: Buffer): readonly Buffer[] => {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const lf = bytes.indexOf(LF, from);
    const end = lf === -1 ? bytes.length : lf + 1;
    lines.push(bytes.subarray(from, end));
    if (lines.length > MOST_LINES) break;
    from = end;
  }
  return lines;
};

/** The most lines that are read of one body: each is a document of its own. */
const MOST_LINES = 100_000;

const isBlank = (line: Buffer): boolean => line.toString('latin1').trim() === '';

/** Returns the content of lines of JSON: one operation with several documents. */
const linesContent = ({ operation, nonFinite, read }: FreeReading, bytes: Buffer): Content => {
  const lines = linesOf(bytes);
  if (lines.length > MOST_LINES)
    throw new Failure('body-unreadable', `expected at most ${MOST_LINES} lines`, {
      detail: `Expected at most ${MOST_LINES} lines.`,
    });
  const documents = lines.map((line) =>
    isBlank(line) ? null : readJson(line, 'body-unreadable', { loneSurrogates: 'refuse', nonFinite }),
  );
  const full = documents.filter((document): document is JsonDocument => document !== null);
  const reading = added(full.map(({ value }) => read(value)));
  const pieces = full.map((document): Piece => ({ kind: 'json', document, operation }));
  return {
    bytes,
    asked: [{ operation, document: null, reading }],
    pieces,
    render(masked) {
      let next = 0;
      const parts = lines.map((line, at) => (documents[at] === null ? line : (masked[next++] ?? line)));
      return { bytes: Buffer.concat(parts), fields: NO_FIELDS };
    },
  };
};

/** Returns the content of a body by what its head calls it, null for a form that `forms` does not name. */
export const freeContent = (reading: FreeReading, body: RawBody, forms: readonly BodyForm[]): Content | null => {
  const form = bodyForm(body.contentType);
  if (!forms.includes(form)) return null;
  if (form === 'text') return textContent(reading, body.bytes);
  if (form === 'ndjson') return linesContent(reading, body.bytes);
  return form === 'json' ? alwaysJson(reading, body) : bytesContent(reading, body);
};

/** Returns the content of a body that is JSON, whatever its head calls it: servers that do not look have no other reading. */
export const alwaysJson = (reading: FreeReading, { bytes }: RawBody): Content =>
  documentContent(
    reading,
    readJson(bytes, 'body-unreadable', { loneSurrogates: 'refuse', nonFinite: reading.nonFinite }),
  );

/** Returns the content of an answer that is text under a type that does not say so. Throws Failure `answer-unreadable`. */
export const textAnswer = (bytes: Buffer, reason: Reason = 'answer-unreadable'): Content => {
  if (!isUtf8(bytes)) throw new Failure(reason, 'expected an answer that is text');
  return {
    bytes,
    asked: [],
    pieces: [{ kind: 'text', text: bytes.toString('utf8') }],
    render: ([is]) => ({ bytes: is ?? bytes, fields: NO_FIELDS }),
  };
};
