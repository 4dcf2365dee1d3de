/** The types of the policy language: CEL's, without protobuf messages, bytes and unsigned integers, which no fact has. */

import { nearest } from '../../nearest.ts';

/** A closed set of words that a string can be. */
export interface Words {
  /** What one of them is, for messages: `service`. */
  readonly noun: string;
  readonly words: readonly string[];
}

export interface ScalarType<T = unknown> {
  readonly kind: 'scalar';
  readonly name: 'bool' | 'int' | 'double' | 'string' | 'null_type' | 'timestamp' | 'duration' | 'type' | 'dyn';
  /** Only for strings out of a closed set: comparing with any other word is an error at load. */
  readonly words?: Words;
  /** Never set: carries the TypeScript type of the values. */
  readonly value?: T;
}

export interface ListType<T = unknown> {
  readonly kind: 'list';
  readonly item: Type;
  readonly value?: T;
}

export interface MapType<T = unknown> {
  readonly kind: 'map';
  readonly key: Type;
  readonly item: Type;
  /** Only for maps of counts: the keys there can be. A key that is not in the map counts as 0. */
  readonly counts?: Words;
  readonly value?: T;
}

/**
 * One field of a struct: its type and how it is read. `get` is a method, so that one of a narrower parameter can stand
 * here: only values of the field's struct reach it.
 */
export interface Field {
  readonly type: Type;
  get(this: void, value: unknown): unknown;
}

export interface StructType<T = unknown> {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly value?: T;
}

/** A type of the language; `T` is the TypeScript type of its values. */
export type Type<T = unknown> = ScalarType<T> | ListType<T> | MapType<T> | StructType<T>;

/** An instant, in nanoseconds since the Unix epoch. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A span of time in nanoseconds. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** What `type(x)` returns. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export const BOOL: ScalarType<boolean> = { kind: 'scalar', name: 'bool' };
export const INT: ScalarType<bigint> = { kind: 'scalar', name: 'int' };
export const DOUBLE: ScalarType<number> = { kind: 'scalar', name: 'double' };
export const STRING: ScalarType<string> = { kind: 'scalar', name: 'string' };
export const NULL: ScalarType<null> = { kind: 'scalar', name: 'null_type' };
export const TIMESTAMP: ScalarType<Timestamp> = { kind: 'scalar', name: 'timestamp' };
export const DURATION: ScalarType<Duration> = { kind: 'scalar', name: 'duration' };
export const TYPE: ScalarType<TypeValue> = { kind: 'scalar', name: 'type' };
/** Any value, known only when it is evaluated. */
export const DYN: ScalarType = { kind: 'scalar', name: 'dyn' };

export const listOf = <T>(item: Type<T>): ListType<readonly T[]> => ({ kind: 'list', item });
export const mapOf = <K, V>(key: Type<K>, item: Type<V>): MapType<ReadonlyMap<K, V>> => ({ kind: 'map', key, item });
/** A field of a struct whose values are `T`. */
export interface FieldOf<T> {
  readonly type: Type;
  get(this: void, value: T): unknown;
}

/** Returns a struct type. `fields` says for each field its type and how it is read from the struct. */
export const structOf = <T>(name: string, fields: Readonly<Record<string, FieldOf<T>>>): StructType<T> => ({
  kind: 'struct',
  name,
  fields: new Map<string, Field>(Object.entries(fields)),
});
/** Returns one field of a struct. */
export const field = <T, V>(type: Type<V>, get: (value: T) => V): { type: Type<V>; get: (value: T) => V } => ({
  type,
  get,
});

export const isDyn = (type: Type): boolean => type.kind === 'scalar' && type.name === 'dyn';

/** Returns how the type is written: `list<string>`. */
export const showType = (type: Type): string => {
  if (type.kind === 'list') return `list<${showType(type.item)}>`;
  if (type.kind === 'map') return `map<${showType(type.key)}, ${showType(type.item)}>`;
  return type.name;
};

/** `maybe` where only the values can tell, because one of the types is or contains `dyn`. */
export type Fit = 'yes' | 'no' | 'maybe';

const both = (a: Fit, b: Fit): Fit =>
  a === 'no' || b === 'no' ? 'no' : a === 'maybe' || b === 'maybe' ? 'maybe' : 'yes';

/** Returns whether a value of type `given` can stand where `wanted` is asked for. */
export const fits = (given: Type, wanted: Type): Fit => {
  if (isDyn(wanted)) return 'yes';
  if (isDyn(given)) return 'maybe';
  if (given.kind === 'list') return wanted.kind === 'list' ? fits(given.item, wanted.item) : 'no';
  if (given.kind === 'map') {
    return wanted.kind === 'map' ? both(fits(given.key, wanted.key), fits(given.item, wanted.item)) : 'no';
  }
  return given.kind === wanted.kind && given.name === wanted.name ? 'yes' : 'no';
};

/** Returns the type that values of either type have: one of the two when the other fits it, else `dyn`. */
export const join = (a: Type, b: Type): Type => {
  if (isEmptyList(a) && b.kind === 'list') return b;
  if (isEmptyList(b) && a.kind === 'list') return a;
  if (a.kind === 'list' && b.kind === 'list') return listOf(join(a.item, b.item));
  if (fits(a, b) === 'yes') return b;
  return fits(b, a) === 'yes' ? a : DYN;
};

/** The type of `[]`: joins with a list of anything. */
export const EMPTY_LIST: ListType<readonly never[]> = { kind: 'list', item: DYN };
const isEmptyList = (type: Type): boolean => type === EMPTY_LIST;

/** Returns `; did you mean X?` for the nearest known word, or the list of words when there are few, or nothing. */
export const suggest = (word: string, known: readonly string[]): string => {
  const meant = nearest(word, known);
  if (meant !== null) return `; did you mean ${meant}?`;
  return known.length > 0 && known.length <= 12 ? `; there are ${known.join(', ')}` : '';
};
