/** Messages written and read by the gRPC project's own code, from the .proto files beside the tests. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyDefinition, loadSync, type MessageTypeDefinition, type PackageDefinition } from '@grpc/proto-loader';

const FOLDER = join(import.meta.dirname, '../support/proto');

/** Where the descriptors of desk.proto are. */
export const DESK_DESCRIPTORS = join(FOLDER, 'desk.binpb');

/** Returns the definitions in a .proto file as grpc-js takes them. */
export const loadProto = (name: string): PackageDefinition =>
  loadSync(join(FOLDER, `${name}.proto`), { keepCase: true, longs: String, enums: String, oneofs: true });

/** Writes and reads messages of one type. */
export interface MessageKit {
  write(value: object): Buffer;
  read(bytes: Buffer): unknown;
}

const isMessage = (found: AnyDefinition | undefined): found is MessageTypeDefinition<object, object> =>
  found !== undefined && typeof found['format'] === 'string' && 'serialize' in found;

/** Returns the kit for a message type, named with its package. */
export function messageKit(definitions: PackageDefinition, name: string): MessageKit {
  const found = definitions[name];
  if (!isMessage(found)) throw new Error(`no message ${name}`);
  return { write: (value) => found.serialize(value), read: (bytes) => found.deserialize(bytes) };
}

/** Returns the descriptors that protoc made of desk.proto (`--include_imports --descriptor_set_out=desk.binpb`). */
export const deskDescriptors = (): Buffer => readFileSync(DESK_DESCRIPTORS);
