/** The messages of server reflection that a client needs to learn descriptors (grpc.reflection.v1, and v1alpha alike). */

import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { FieldReader, lengthField, WireError } from './protobuf.ts';

/** Paths of the method, the newer first. */
export const REFLECTION_PATHS = [
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
] as const;

/** What is asked; fields of ServerReflectionRequest. */
const FIELDS = { file: 3, symbol: 4, services: 7 } as const;

/** One question. */
export interface ReflectionQuestion {
  readonly about: keyof typeof FIELDS;
  /** A file or symbol; empty for services. */
  readonly name: string;
}

/** Returns the ServerReflectionRequest. */
export const reflectionRequest = ({ about, name }: ReflectionQuestion): Buffer => lengthField(FIELDS[about], name);

/** What one ServerReflectionResponse says. */
export interface ReflectionAnswer {
  readonly services: readonly string[];
  readonly files: readonly FileDescriptorProto[];
}

/** Returns what an answer says. Throws WireError for one that is none, or an error of the server. */
export function readReflectionAnswer(message: Buffer): ReflectionAnswer {
  const services: string[] = [];
  const files: FileDescriptorProto[] = [];
  for (const [no, value] of messagesIn(message)) {
    if (no === 4) for (const [, file] of messagesIn(value)) files.push(fromBinary(FileDescriptorProtoSchema, file));
    if (no === 6) for (const [, service] of messagesIn(value)) services.push(nameIn(service));
    if (no === 7) throw new WireError('a server that knows its own symbols');
  }
  return { services, files };
}

function* messagesIn(message: Buffer): Generator<readonly [number, Buffer]> {
  const reader = new FieldReader(message);
  while (reader.next()) yield [reader.no, reader.value()];
}

function nameIn(service: Buffer): string {
  for (const [no, value] of messagesIn(service)) if (no === 1) return value.toString();
  throw new WireError('a service with a name');
}
