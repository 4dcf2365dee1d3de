/**
 * KServe v2 with tensors in binary: a JSON document, and behind it the data of its tensors in their order.
 * (Triton, docs/protocol/extension_binary_data.md)
 */

import type { Reason } from '../../reasons.ts';
import type { Asked, Content, Piece, Rendering } from '../content.ts';
import type { Operation } from '../codec.ts';
import { readJson } from '../json/json.ts';
import { editJson } from '../json/json-edit.ts';
import type { JsonDocument } from '../json/json.ts';
import { type Described, readTensors } from './tensors.ts';
import { badTensors, bytesElements, elementBytes, elementCount, joinElements } from '../tensors.ts';

/** The field line that says where the document ends, lower case. */
export const HEADER_LENGTH = 'inference-header-content-length';

/** The data of one tensor behind the document. */
interface Section {
  /** Position of the tensor in its list. */
  readonly at: number;
  readonly data: Buffer;
  /** Of BYTES; null for any other type, whose data is no text. */
  readonly elements: readonly Buffer[] | null;
}

/** A body in two parts, read. */
export interface Binary {
  readonly bytes: Buffer;
  readonly document: JsonDocument;
  readonly tensors: readonly Described[];
  readonly sections: readonly Section[];
}

/** Returns the length of the document that the field line gives. Throws Failure `reason`. */
const documentLength = (line: string, bytes: Buffer, reason: Reason): number => {
  if (!/^\d{1,15}$/.test(line)) throw badTensors(reason, `${HEADER_LENGTH} to be a whole number`);
  const length = Number(line);
  if (length > bytes.length) throw badTensors(reason, `${HEADER_LENGTH} of at most ${bytes.length}, found ${length}`);
  // Triton reads such a body as one tensor of whatever type its model has.
  if (length === 0) throw badTensors(reason, 'a document in front of the tensors');
  return length;
};

/**
 * Returns a body whose document is as long as the field line says. Throws Failure `reason` when the tensors' data is
 * not exactly what follows it.
 */
export const readBinary = (
  bytes: Buffer,
  line: string,
  list: 'inputs' | 'outputs',
  { reason, nonFinite }: { readonly reason: Reason; readonly nonFinite: boolean },
): Binary => {
  const length = documentLength(line, bytes, reason);
  const loneSurrogates = reason === 'body-unreadable' ? 'refuse' : 'keep';
  const document = readJson(bytes.subarray(0, length), reason, { loneSurrogates, nonFinite });
  const tensors = readTensors(document.value, list, reason);
  const sections: Section[] = [];
  let end = length;
  for (const [at, { datatype, shape, place }] of tensors.entries()) {
    if (place.kind !== 'binary') continue;
    const data = bytes.subarray(end, end + place.size);
    end += place.size;
    if (end > bytes.length) break;
    // nobody can say what is in a type that is none
    if (datatype !== 'BYTES' && elementBytes(datatype) === null) throw badTensors(reason, 'a datatype of the protocol');
    const elements = datatype === 'BYTES' ? bytesElements(data, elementCount(shape), reason) : null;
    sections.push({ at, data, elements });
  }
  if (end !== bytes.length) throw badTensors(reason, `${end} bytes of document and tensors, found ${bytes.length}`);
  return { bytes, document, tensors, sections };
};

/** Returns the content of such a body. */
export const binaryContent = (
  binary: Binary,
  list: 'inputs' | 'outputs',
  operation: Operation,
  asked: readonly Asked[],
): Content => {
  const { bytes, document, sections, tensors } = binary;
  const pieces = sections.flatMap(({ at, elements }) =>
    (elements ?? []).map((element, index): Piece => {
      const path = [list, at, 'data', index];
      return { kind: 'bytes', bytes: element, at: { path, tensor: tensors[at]?.name ?? '' } };
    }),
  );
  return {
    bytes,
    asked,
    pieces: [{ kind: 'json', document, operation }, ...pieces],
    render: ([head, ...rest]) => render(binary, list, head ?? document.bytes, rest),
  };
};

const render = ({ sections }: Binary, list: string, head: Buffer, elements: readonly Buffer[]): Rendering => {
  let used = 0;
  const data = sections.map((section) => {
    if (section.elements === null) return section.data;
    const own = elements.slice(used, used + section.elements.length);
    used += own.length;
    return joinElements(own);
  });
  const sizes = new Map(sections.map(({ at }, index) => [at, data[index]?.length ?? 0]));
  const document = Buffer.from(withSizes(head.toString('utf8'), list, sizes));
  return {
    bytes: Buffer.concat([document, ...data]),
    fields: ['Inference-Header-Content-Length', String(document.length)],
  };
};

/** Returns the document with the sizes that its tensors have now. */
const withSizes = (text: string, list: string, sizes: ReadonlyMap<number, number>): string =>
  editJson(text, {
    string: (_, value) => value,
    literal([first, at, third, name], raw) {
      const isSize = first === list && third === 'parameters' && name === 'binary_data_size';
      const size = isSize && typeof at === 'number' ? sizes.get(at) : undefined;
      return size === undefined || size === Number(raw) ? raw : String(size);
    },
  });
