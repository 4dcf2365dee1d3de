/**
 * Names of types in descriptors. protoc writes them out in full; other writers (protobufjs, and so servers on grpc-js that
 * describe themselves) leave them as they stood in the source, to be found from the inside out (descriptor.proto,
 * FieldDescriptorProto.type_name).
 */

import type { DescriptorProto, FileDescriptorSet } from '@bufbuild/protobuf/wkt';

/** Writes every relative name of a type out in full, in place. A name that nothing has stays. */
export function qualifyNames(set: FileDescriptorSet): FileDescriptorSet {
  const known = new Set<string>();
  for (const { package: scope, messageType, enumType } of set.file) {
    for (const { name } of enumType) known.add(join(scope, name));
    for (const message of messageType) noteNames(message, scope, known);
  }
  for (const { package: scope, messageType, service } of set.file) {
    for (const message of messageType) qualifyMessage(message, scope, known);
    for (const { name, method } of service)
      for (const one of method) {
        one.inputType = qualified(one.inputType, join(scope, name), known);
        one.outputType = qualified(one.outputType, join(scope, name), known);
      }
  }
  return set;
}

const join = (scope: string, name: string): string => (scope === '' ? name : `${scope}.${name}`);

function noteNames({ name, nestedType, enumType }: DescriptorProto, scope: string, known: Set<string>): void {
  const own = join(scope, name);
  known.add(own);
  for (const nested of enumType) known.add(join(own, nested.name));
  for (const nested of nestedType) noteNames(nested, own, known);
}

function qualifyMessage({ name, field, nestedType }: DescriptorProto, scope: string, known: ReadonlySet<string>): void {
  const own = join(scope, name);
  for (const one of field) if (one.typeName !== '') one.typeName = qualified(one.typeName, own, known);
  for (const nested of nestedType) qualifyMessage(nested, own, known);
}

function qualified(name: string, scope: string, known: ReadonlySet<string>): string {
  if (name.startsWith('.')) return name;
  for (let within = scope; ; within = within.slice(0, Math.max(0, within.lastIndexOf('.')))) {
    if (known.has(join(within, name))) return `.${join(within, name)}`;
    if (within === '') return name;
  }
}
