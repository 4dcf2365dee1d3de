/** Methods and messages of any service, from its descriptors (google.protobuf.FileDescriptorSet). */

import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  ScalarType,
} from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { qualifyNames } from './descriptor-names.ts';
import { COMMON_METHODS } from './common.ts';
import type { GrpcCodec, GrpcMethod } from './codec.ts';
import { plannedMethod } from './generic.ts';
import type { FieldPlan, FieldType, MessagePlan } from './protobuf-plan.ts';

const FIXED_64: ReadonlySet<ScalarType> = new Set([ScalarType.DOUBLE, ScalarType.FIXED64, ScalarType.SFIXED64]);
const FIXED_32: ReadonlySet<ScalarType> = new Set([ScalarType.FLOAT, ScalarType.FIXED32, ScalarType.SFIXED32]);

const scalarType = (scalar: ScalarType): FieldType => {
  if (scalar === ScalarType.STRING) return 'string';
  if (scalar === ScalarType.BYTES) return 'bytes';
  if (FIXED_64.has(scalar)) return 'fixed64';
  return FIXED_32.has(scalar) ? 'fixed32' : 'varint';
};

/** Plans of messages, each made once; a message may hold itself. */
class Plans {
  private readonly known = new Map<string, MessagePlan>();

  message(desc: DescMessage): MessagePlan {
    const known = this.known.get(desc.typeName);
    if (known !== undefined) return known;
    const fields = new Map<number, FieldPlan>();
    const plan: MessagePlan = { name: desc.typeName, fields };
    this.known.set(desc.typeName, plan);
    for (const field of desc.fields) fields.set(field.number, this.field(field));
    return plan;
  }

  private field(field: DescField): FieldPlan {
    const { name } = field;
    if (field.fieldKind === 'map') {
      const entry = this.entry(field);
      return { name, type: 'message', repeated: true, message: () => entry };
    }
    const repeated = field.fieldKind === 'list';
    if (field.message !== undefined) {
      const { message } = field;
      return { name, type: 'message', repeated, message: () => this.message(message) };
    }
    const type = field.scalar === undefined ? 'varint' : scalarType(field.scalar);
    return { name, type, repeated, message: null };
  }

  private entry(field: DescField & { fieldKind: 'map' }): MessagePlan {
    const key: FieldPlan = { name: 'key', type: scalarType(field.mapKey), repeated: false, message: null };
    const { message, scalar } = field;
    const value: FieldPlan =
      message === undefined
        ? { name: 'value', type: scalar === undefined ? 'varint' : scalarType(scalar), repeated: false, message: null }
        : { name: 'value', type: 'message', repeated: false, message: () => this.message(message) };
    return {
      name: `${field.name}Entry`,
      fields: new Map([
        [1, key],
        [2, value],
      ]),
    };
  }
}

const streamsOf = ({ methodKind }: DescMethod) => ({
  request: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
  answer: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
});

/** Returns the codec of the services in a descriptor set, with health and reflection. Throws when it is none, or not complete. */
export function describedCodec(set: FileDescriptorSet): GrpcCodec {
  const plans = new Plans();
  const methods = new Map<string, GrpcMethod>(COMMON_METHODS);
  for (const desc of createFileRegistry(qualifyNames(set))) {
    if (desc.kind !== 'service') continue;
    for (const method of desc.methods) {
      const name = `${desc.typeName}/${method.name}`;
      if (methods.has(`/${name}`)) continue;
      methods.set(
        `/${name}`,
        plannedMethod(name, streamsOf(method), plans.message(method.input), plans.message(method.output)),
      );
    }
  }
  return { method: (path) => methods.get(path) ?? null };
}

/** Returns the codec of a serialized descriptor set (`protoc --include_imports --descriptor_set_out`). Throws as describedCodec. */
export const codecOfFile = (bytes: Uint8Array): GrpcCodec => describedCodec(fromBinary(FileDescriptorSetSchema, bytes));

/** The codec of a server that nothing is known of: health and reflection. */
export const undescribedCodec: GrpcCodec = { method: (path) => COMMON_METHODS.get(path) ?? null };
