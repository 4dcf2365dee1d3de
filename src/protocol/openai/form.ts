/** OpenAI: forms with files (audio, images, files of requests). Fields are texts; of files only batches are read. */

import type { RequestReading } from '../../call.ts';
import { Failure } from '../../reasons.ts';
import type { Operation } from '../codec.ts';
import type { Asked, Content, Piece, RawBody } from '../content.ts';
import { editForm, type FormEdit, type FormPart, isMultipart, readForm, textOf } from '../multipart.ts';
import { readBatch } from './batch.ts';
import { OPENAI_PLACES } from './places.ts';
import { readOpenaiRequest } from './request.ts';
import { kindAt } from '../places.ts';

/** Settings of a form that are numbers or flags: their text, read as the JSON that it would be in a body. */
const NUMBERS: ReadonlySet<string> = new Set(['n', 'temperature', 'max_tokens', 'max_completion_tokens', 'best_of']);
const FLAGS: ReadonlySet<string> = new Set(['stream']);

const unreadable = (expected: string): Failure =>
  new Failure('body-unreadable', `expected ${expected}`, { detail: `Expected ${expected}.` });

const settingOf = (name: string, text: string): unknown => {
  if (NUMBERS.has(name)) {
    if (!/^-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?$/.test(text)) throw unreadable(`${name} to be a number`);
    return Number(text);
  }
  if (!FLAGS.has(name)) return text;
  // Python's clients write a flag with a capital letter.
  const flag = text.toLowerCase();
  if (flag !== 'true' && flag !== 'false') throw unreadable(`${name} to be true or false`);
  return flag === 'true';
};

/** A stretch of the form that is masked as a piece of its own. */
interface Stretch {
  readonly piece: Piece;
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

class Reading {
  readonly value: Record<string, unknown> = {};
  readonly stretches: Stretch[] = [];
  readonly filenames: string[] = [];
  readonly attached = { images: 0, audios: 0, files: 0 };

  part(part: FormPart, operation: Operation): void {
    if (part.filename === null) return this.field(part);
    if (operation.name.startsWith('audio')) this.attached.audios++;
    else if (operation.name.startsWith('images')) this.attached.images++;
    else this.attached.files++;
    if (part.filename === '') return;
    this.filenames.push(part.filename);
    const start = part.filenameAt;
    const end = start + Buffer.byteLength(part.filename);
    this.stretches.push({
      piece: { kind: 'text', text: part.filename, at: { path: ['filename'], tensor: '' } },
      start,
      end,
      quoted: true,
    });
  }

  private field(part: FormPart): void {
    const text = textOf(part);
    const { name, start, end } = part;
    const known = this.value[name];
    if (name.endsWith('[]')) this.value[name] = [...(Array.isArray(known) ? known : []), text];
    else this.value[name] = settingOf(name, text);
    if (kindAt(OPENAI_PLACES, [name], text, this.value) !== 'data')
      this.stretches.push({
        piece: { kind: 'text', text, at: { path: [name], tensor: '' } },
        start,
        end,
        quoted: false,
      });
  }
}

/** Members whose text is a word of the API are no texts of the caller, as long as they are words. */
const readingOf = (form: Reading): RequestReading => {
  const reading = readOpenaiRequest(form.value);
  const names = form.filenames.map((text) => ({ path: ['filename'], text, role: 'user' }));
  return { ...reading, ...form.attached, texts: [...reading.texts, ...names] };
};

/**
 * Returns what a form asks for, null for a body that is none. `find` returns the operation at a method and path: each
 * request of a batch file is an operation of its own. Throws Failure `body-unreadable`.
 */
export const openaiForm = (
  operation: Operation,
  body: RawBody,
  find: (method: string, path: string) => Operation | null,
): Content | null => {
  if (!isMultipart(body.contentType)) return null;
  const form = readForm(body.bytes, body.contentType);
  const reading = new Reading();
  for (const part of form.parts) reading.part(part, operation);
  const asked: Asked[] = [{ operation, document: reading.value, reading: readingOf(reading) }];
  const { stretches } = reading;
  // Who makes a batch of a file says so when it is uploaded; the field may come behind the file.
  const isBatch = operation.name === 'files.create' && reading.value['purpose'] === 'batch';
  for (const part of isBatch ? form.parts : []) {
    if (part.filename === null) continue;
    for (const line of readBatch(part.content, find)) {
      asked.push(line.asked);
      stretches.push({ piece: line.piece, start: part.start + line.start, end: part.start + line.end, quoted: false });
    }
  }
  stretches.sort((a, b) => a.start - b.start);
  return {
    bytes: body.bytes,
    asked,
    pieces: stretches.map(({ piece }) => piece),
    render: (pieces) => ({
      bytes: editForm(
        form,
        stretches.map(
          ({ start, end, quoted }, i): FormEdit => ({
            start,
            end,
            quoted,
            bytes: pieces[i] ?? body.bytes.subarray(start, end),
          }),
        ),
      ),
      fields: [],
    }),
  };
};
