/**
 * Forms in parts (RFC 7578, RFC 2046 §5.1), read strictly: what two servers could cut in two ways is refused. There is
 * nothing ahead of the first part and nothing behind the last, every part has a plain name, and only lists repeat one.
 */

import { isUtf8 } from 'node:buffer';
import { Failure } from '../reasons.ts';

/** One part of a form. */
export interface FormPart {
  readonly name: string;
  /** Null for a part that is no file. */
  readonly filename: string | null;
  /** Empty when the part has none. */
  readonly contentType: string;
  readonly content: Buffer;
  /** Where the content begins and ends in the body. */
  readonly start: number;
  readonly end: number;
  /** Where the filename begins in the body, behind its quote; -1 without one. */
  readonly filenameAt: number;
}

/** A form that was read. */
export interface Form {
  readonly bytes: Buffer;
  readonly boundary: string;
  readonly parts: readonly FormPart[];
}

const CRLF = '\r\n';
/** More parts than any form has; each costs a little. */
const MOST_PARTS = 256;
/** The longest head of a part. */
const LONGEST_HEAD = 4096;

const unreadable = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

/** RFC 2046 §5.1.1: bchars, at most 70; here without the space, and without characters that need quotes to be escaped. */
const TYPE = /^multipart\/form-data\s*;\s*boundary=(?:"([0-9A-Za-z'()+_,./:=?-]{1,70})"|([0-9A-Za-z'+_.-]{1,70}))\s*$/i;

/** Returns true for a body that says it is a form in parts. */
export const isMultipart = (contentType: string): boolean => /^\s*multipart\//i.test(contentType);

const boundaryOf = (contentType: string): string => {
  const [, quoted, plain] = TYPE.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw unreadable('multipart/form-data with one plain boundary');
  return boundary;
};

/** Names as fields of APIs have them; `[]` and `[key]` at the end are lists and maps. */
const DISPOSITION = /^form-data; *name="([\w.-]{1,64}(?:\[[\w.-]{0,64}\])?)"(?:; *filename="([^"\\\r\n]{0,1024})")?$/i;

interface Head {
  readonly name: string;
  readonly filename: string | null;
  readonly contentType: string;
}

/** Reads the field lines of a part. Those that would give it another reading (an encoding) are refused with all others. */
const readHead = (text: string): Head => {
  let disposition: string | null = null;
  let contentType: string | null = null;
  for (const line of text.split(CRLF)) {
    const [, name = '', value = ''] = /^([A-Za-z-]+): *([^\r\n]*?) *$/.exec(line) ?? [];
    const lower = name.toLowerCase();
    if (lower === 'content-disposition' && disposition === null) disposition = value;
    else if (lower === 'content-type' && contentType === null) contentType = value;
    else throw unreadable('parts with one content-disposition and at most one content-type');
  }
  const [, name, filename] = DISPOSITION.exec(disposition ?? '') ?? [];
  // RFC 7578 §4.6: that field would say how the others are to be read.
  if (name === undefined || name === '_charset_') throw unreadable('parts with a plain name');
  return { name, filename: filename ?? null, contentType: contentType ?? '' };
};

const isList = (name: string): boolean => name.endsWith('[]');

/** Returns the form in a body of this content type. Throws Failure `body-unreadable` for anything that is not exactly one. */
export const readForm = (bytes: Buffer, contentType: string): Form => {
  const boundary = boundaryOf(contentType);
  const first = Buffer.from(`--${boundary}`);
  const delimiter = Buffer.from(`${CRLF}--${boundary}`);
  if (!bytes.subarray(0, first.length).equals(first)) throw unreadable('a form that begins with its boundary');
  const parts: FormPart[] = [];
  const names = new Set<string>();
  let at = first.length;
  while (bytes.toString('latin1', at, at + 2) === CRLF) {
    if (parts.length === MOST_PARTS) throw unreadable(`at most ${MOST_PARTS} parts`);
    const part = readPart(bytes, at + 2, delimiter);
    if (names.has(part.name) && !isList(part.name)) throw unreadable(`the part ${part.name} once`);
    names.add(part.name);
    parts.push(part);
    at = part.end + delimiter.length;
  }
  const rest = bytes.toString('latin1', at);
  if (rest !== '--' && rest !== `--${CRLF}`) throw unreadable('a form that ends with its boundary');
  return { bytes, boundary, parts };
};

const readPart = (bytes: Buffer, from: number, delimiter: Buffer): FormPart => {
  const blank = bytes.subarray(from, from + LONGEST_HEAD).indexOf(`${CRLF}${CRLF}`);
  if (blank === -1) throw unreadable('parts with a head of their own');
  const headBytes = bytes.subarray(from, from + blank);
  if (!isUtf8(headBytes)) throw unreadable('heads of parts in UTF-8');
  const head = readHead(headBytes.toString('utf8'));
  const start = from + blank + 4;
  const end = bytes.indexOf(delimiter, start);
  if (end === -1) throw unreadable('parts that end with the boundary');
  // Some servers take a boundary behind a bare LF, or behind the head at once, for one: then it is in two minds.
  if (bytes.subarray(start, end).includes(delimiter.subarray(CRLF.length)))
    throw unreadable('a boundary that is in none of the parts');
  const quote = headBytes.indexOf('filename="');
  return {
    ...head,
    content: bytes.subarray(start, end),
    start,
    end,
    filenameAt: head.filename === null ? -1 : from + quote + 'filename="'.length,
  };
};

/** Returns the text of a part that is no file. Throws Failure `body-unreadable` when it is none. */
export const textOf = ({ name, contentType, content }: FormPart): string => {
  if (contentType !== '' && !/^(?:text\/plain|application\/json)(?: *; *charset="?utf-8"?)?$/i.test(contentType))
    throw unreadable(`the part ${name} to be text`);
  if (!isUtf8(content)) throw unreadable(`the part ${name} in UTF-8`);
  return content.toString('utf8');
};

/** A stretch of a form's bytes, and what stands in its place. */
export interface FormEdit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
  /** It stands between quotes in the head of a part. */
  readonly quoted: boolean;
}

/**
 * Returns the form with these edits, which come in order. Throws Failure `mask-blocked` when one of them would make the
 * form another: a text that has become the boundary, or that ends its quotes.
 */
export const editForm = ({ bytes, boundary }: Form, edits: readonly FormEdit[]): Buffer => {
  const out: Buffer[] = [];
  let at = 0;
  for (const { start, end, bytes: instead, quoted } of edits) {
    if (quoted ? /["\\\r\n]/.test(instead.toString('latin1')) : instead.includes(`--${boundary}`))
      throw new Failure('mask-blocked', 'a masked form would be cut in another way');
    out.push(bytes.subarray(at, start), instead);
    at = end;
  }
  out.push(bytes.subarray(at));
  return Buffer.concat(out);
};
