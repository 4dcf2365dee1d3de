/** Names, members and indexes. */

import { type Frame, NO_INDEX, NO_KEY, NO_OVERLOAD, type Run } from './fault.ts';
import { type Compiling, type Expr, literalPart, Mistake, type Part, type Scope } from './part.ts';
import {
  BOOL,
  DYN,
  fits,
  INT,
  isDyn,
  type MapType,
  showType,
  STRING,
  type StructType,
  suggest,
  TYPE,
  TypeValue,
} from './type.ts';
import { asKey } from './value.ts';

const TYPES = new Map(
  ['bool', 'int', 'double', 'string', 'list', 'map', 'null_type', 'type'].map((name) => [name, new TypeValue(name)]),
);

const inScope = (scope: Scope | null, name: string): Part | null => {
  for (let at = scope; at !== null; at = at.outer) if (at.name === name) return at.part;
  return null;
};

/** Returns the part that a name is. Throws Mistake. */
export const compileName = (compiling: Compiling, expr: Expr, name: string, scope: Scope | null): Part => {
  const local = inScope(scope, name);
  if (local !== null) return local;
  const variable = compiling.environment.get(name);
  if (variable !== undefined) {
    const { type, get } = variable;
    return { type, run: (frame) => get(frame.root) };
  }
  const type = TYPES.get(name);
  if (type !== undefined) return literalPart(TYPE, type);
  throw new Mistake(compiling.offset(expr), `there is no ${name}${suggest(name, [...compiling.environment.keys()])}`);
};

const asMap = (value: unknown): ReadonlyMap<unknown, unknown> => {
  if (value instanceof Map) return value;
  throw NO_OVERLOAD;
};

const member =
  (operand: Run, name: string): Run =>
  (frame) => {
    const value = asMap(operand(frame)).get(name);
    if (value === undefined) throw NO_KEY;
    return value;
  };

const checkCount = (type: MapType, key: unknown, offset: number): void => {
  if (type.counts === undefined || typeof key !== 'string' || type.counts.words.includes(key)) return;
  throw new Mistake(offset, `no ${type.counts.noun} is named ${key}${suggest(key, type.counts.words)}`);
};

const structMember = (type: StructType, operand: Run, name: string, offset: number): Part => {
  const found = type.fields.get(name);
  if (found === undefined) {
    throw new Mistake(offset, `${type.name} has no field ${name}${suggest(name, [...type.fields.keys()])}`);
  }
  const { get } = found;
  return { type: found.type, run: (frame) => get(operand(frame)) };
};

/** Returns the part `operand.name`. Throws Mistake. */
export const compileMember = (compiling: Compiling, expr: Expr, name: string, { type, run }: Part): Part => {
  const offset = compiling.offsetOfMember(expr, name);
  if (type.kind === 'struct') return structMember(type, run, name, offset);
  if (isDyn(type)) return { type: DYN, run: member(run, name) };
  if (type.kind !== 'map') throw new Mistake(offset, `a ${showType(type)} has no members; ${name} is none`);
  checkCount(type, name, offset);
  if (type.counts !== undefined) return { type: INT, run: (frame) => asMap(run(frame)).get(name) ?? 0n };
  return { type: type.item, run: member(run, name) };
};

/** Returns the part `has(operand.name)`. Throws Mistake. */
export const compileHas = (compiling: Compiling, expr: Expr, name: string, { type, run }: Part): Part => {
  const offset = compiling.offsetOfMember(expr, name);
  if (type.kind === 'struct') {
    structMember(type, run, name, offset);
    throw new Mistake(offset, `${name} always has a value; has() is for claims and other maps`);
  }
  if (type.kind !== 'map' && !isDyn(type)) throw new Mistake(offset, `a ${showType(type)} has no members`);
  if (type.kind === 'map') checkCount(type, name, offset);
  return { type: BOOL, run: (frame) => asMap(run(frame)).has(name) };
};

const itemAt = (list: readonly unknown[], index: unknown): unknown => {
  const at = Number(index);
  const item = (typeof index === 'bigint' || typeof index === 'number') && Number.isInteger(at) ? list[at] : undefined;
  if (item === undefined) throw NO_INDEX;
  return item;
};

const index = (value: unknown, key: unknown): unknown => {
  if (Array.isArray(value)) return itemAt(value, key);
  const item = asMap(value).get(asKey(key));
  if (item === undefined) throw NO_KEY;
  return item;
};

/** Returns the part `value[key]`. Throws Mistake. */
export const compileIndex = (compiling: Compiling, exprKey: Expr, value: Part, key: Part): Part => {
  const offset = compiling.start(exprKey);
  const { type } = value;
  const run = (frame: Frame): unknown => index(value.run(frame), key.run(frame));
  if (isDyn(type)) return { type: DYN, run };
  if (type.kind === 'list') {
    if (fits(key.type, INT) === 'no')
      throw new Mistake(offset, `expected an int as index, found ${showType(key.type)}`);
    return { type: type.item, run };
  }
  if (type.kind !== 'map') throw new Mistake(offset, `a ${showType(type)} has no items`);
  if (type.counts === undefined) return { type: type.item, run };
  if (fits(key.type, STRING) === 'no')
    throw new Mistake(offset, `expected a string as key, found ${showType(key.type)}`);
  checkCount(type, key.literal, offset);
  return { type: INT, run: (frame) => asMap(value.run(frame)).get(key.run(frame)) ?? 0n };
};
