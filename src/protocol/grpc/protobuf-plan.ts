/** What is known of a message: the names and types of its fields, by their numbers. */

import { WIRE } from './protobuf.ts';

/** Types of fields as far as looking needs them apart. */
export type FieldType = 'string' | 'bytes' | 'varint' | 'fixed32' | 'fixed64' | 'message';

/** One field. */
export interface FieldPlan {
  readonly name: string;
  readonly type: FieldType;
  readonly repeated: boolean;
  /** What a `message` holds; a function, because messages may hold themselves. Null for other types. */
  readonly message: (() => MessagePlan) | null;
}

/** One message. */
export interface MessagePlan {
  readonly name: string;
  readonly fields: ReadonlyMap<number, FieldPlan>;
}

/** The wire type of one value of a field. */
export const WIRE_OF: Readonly<Record<FieldType, number>> = {
  string: WIRE.length,
  bytes: WIRE.length,
  message: WIRE.length,
  varint: WIRE.varint,
  fixed32: WIRE.fixed32,
  fixed64: WIRE.fixed64,
};

/** Returns true when many values of a field may stand in one length-delimited one. */
export const isPackable = ({ type, repeated }: FieldPlan): boolean =>
  repeated && (type === 'varint' || type === 'fixed32' || type === 'fixed64');

type Entry = readonly [no: number, field: FieldPlan];

const scalar =
  (type: FieldType) =>
  (no: number, name: string): Entry => [no, { name, type, repeated: false, message: null }];

/** Declarations of fields, for the protocols whose messages are written down here. */
export const string = scalar('string');
export const bytes = scalar('bytes');
/** Every integer, enum and bool. */
export const varint = scalar('varint');
/** `double` and the fixed ones of its size. */
export const fixed64 = scalar('fixed64');
export const fixed32 = scalar('fixed32');

/** Declares a field that holds a message. */
export const nested = (no: number, name: string, message: MessagePlan | (() => MessagePlan)): Entry => [
  no,
  { name, type: 'message', repeated: false, message: typeof message === 'function' ? message : () => message },
];

/** Declares a field that may come many times. */
export const many = ([no, field]: Entry): Entry => [no, { ...field, repeated: true }];

/** Declares a map: on the wire, many messages of key and value. */
export const mapOf = (no: number, name: string, value: (no: number, name: string) => Entry): Entry =>
  many(nested(no, name, message(`${name}Entry`, string(1, 'key'), value(2, 'value'))));

/** Returns the plan of a message. */
export const message = (name: string, ...fields: readonly Entry[]): MessagePlan => ({ name, fields: new Map(fields) });
