/** Leaves as bytes: canonical JSON of exactly the members that their type has. */

import { MAX_LEAF_BYTES } from './bundle.ts';
import type { Field } from './field.ts';
import { decodeJcs, encodeJcs } from './jcs.ts';
import { COMMON, type Leaf, LEAF_TYPES, type LeafBody, type LeafCommon, type LeafType } from './leaf-types.ts';
import { Malformed } from './malformed.ts';

export type { Leaf, LeafBody, LeafCommon, LeafType };

type Members = Readonly<Record<string, unknown>>;

const isLeafType = (type: unknown): type is LeafType => typeof type === 'string' && Object.hasOwn(LEAF_TYPES, type);

const checkMember = (leaf: Members, name: string, field: Field<unknown>): void => {
  if (Object.hasOwn(leaf, name) ? !field.is(leaf[name]) : !field.optional) {
    throw new Malformed(`${name} is not ${field.says}`);
  }
};

const COMMON_FIELDS: readonly (readonly [string, Field<unknown>])[] = Object.entries(COMMON);

/** What each type has beside the common members. */
const TYPE_FIELDS: ReadonlyMap<string, ReadonlyMap<string, Field<unknown>>> = new Map(
  Object.entries(LEAF_TYPES).map(([type, fields]) => [type, new Map<string, Field<unknown>>(Object.entries(fields))]),
);

/** Throws Malformed unless `leaf` has the common members. */
const checkCommon = (leaf: Members): void => {
  for (const [name, field] of COMMON_FIELDS) checkMember(leaf, name, field);
};

/** Throws Malformed unless `leaf` has the members of its type and none beside them. */
const checkType = (leaf: Members, type: LeafType): void => {
  const fields = TYPE_FIELDS.get(type) ?? new Map<string, Field<unknown>>();
  for (const [name, field] of fields) checkMember(leaf, name, field);
  const extra = Object.keys(leaf).find((name) => name !== 'type' && !Object.hasOwn(COMMON, name) && !fields.has(name));
  if (extra !== undefined) throw new Malformed(`${JSON.stringify(extra)} is no member of ${type}`);
  if (fields.has('cts') && Object.hasOwn(leaf, 'cts') === Object.hasOwn(leaf, 'ctr')) {
    throw new Malformed(`${type} has cts or ctr, one of them`);
  }
};

/** False for a type that there is not; throws Malformed for members that do not fit a type that there is. */
const isComplete = (leaf: Members): leaf is Members & Leaf => {
  checkCommon(leaf);
  if (!isLeafType(leaf['type'])) return false;
  checkType(leaf, leaf['type']);
  return true;
};

/** All members that each type may have, in the order of canonical JSON, so that writing them is one native pass (jcs.ts). */
const ORDERED_FIELDS: ReadonlyMap<string, readonly (readonly [string, Field<unknown>])[]> = new Map(
  Object.entries(LEAF_TYPES).map(([type, fields]) => {
    const own: Field<unknown> = { is: (value): value is unknown => value === type, says: type, optional: false };
    const all = Object.entries<Field<unknown>>({ ...COMMON, type: own, ...fields });
    return [type, all.toSorted(([one], [other]) => (one < other ? -1 : 1))];
  }),
);

/** The members of a leaf in their order. Throws Malformed as `isComplete` does, without a look at any member twice. */
const inOrder = (leaf: Leaf): Members => {
  const members: Members = { ...leaf };
  const ordered: Record<string, unknown> = {};
  let found = 0;
  for (const [name, field] of ORDERED_FIELDS.get(leaf.type) ?? []) {
    const value = members[name];
    if (value === undefined && field.optional) continue;
    if (!field.is(value)) throw new Malformed(`${name} is not ${field.says}`);
    ordered[name] = value;
    found++;
  }
  // what is left over has no place in this type, or the type is none: the slow way says which
  const isWhole =
    found === Object.keys(members).length && (!('total' in ordered) || 'cts' in ordered !== 'ctr' in ordered);
  if (!isWhole && !isComplete(members)) throw new Malformed('a leaf of a type that there is not');
  return ordered;
};

/**
 * Returns the bytes of a leaf: RFC 8785 JSON, at most 65,535 bytes. Throws Malformed when it is not what its type
 * says: a leaf that a verifier would refuse is never written.
 */
export const encodeLeaf = (leaf: Leaf): Uint8Array => {
  const bytes = encodeJcs(inOrder(leaf));
  if (bytes.length > MAX_LEAF_BYTES) throw new Malformed(`a leaf of ${bytes.length} bytes`);
  return bytes;
};

/** A leaf as it was read. */
export type ReadLeaf =
  | { readonly kind: 'known'; readonly leaf: Leaf }
  /** Of a type that this version does not know; its common members are good. */
  | { readonly kind: 'unknown'; readonly leaf: LeafCommon; readonly type: string };

/** Always true, or throws Malformed. */
const hasCommon = (value: Members): value is Members & LeafCommon => {
  checkCommon(value);
  return true;
};

/** Returns the leaf of `bytes`. Throws Malformed unless they are exactly what `encodeLeaf` makes of it. */
export const decodeLeaf = (bytes: Uint8Array): ReadLeaf => {
  const value = decodeJcs(bytes);
  if (typeof value !== 'object' || value === null) throw new Malformed('a leaf that is not a JSON object');
  const members: Members = { ...value };
  if (isComplete(members)) return { kind: 'known', leaf: members };
  if (!hasCommon(members) || typeof members['type'] !== 'string') throw new Malformed('a leaf without a type');
  return { kind: 'unknown', leaf: members, type: members['type'] };
};
