/**
 * Members of documents that a server reads as ProtoJSON: each is found under its lowerCamelCase name and under the name
 * that the .proto file gives it. (protobuf.dev/programming-guides/json)
 */

import { Failure } from '../../reasons.ts';
import { type JsonObject, isObject, member } from '../value.ts';

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Returns the member under either of its names, undefined when there is none. `name` is the lowerCamelCase one. Throws
 * Failure `body-unreadable` when both are there: which one counts is up to the server.
 */
export const protoMember = (value: unknown, name: string): unknown => {
  const other = snake(name);
  const found = member(value, name);
  if (other === name) return found;
  const second = member(value, other);
  if (found !== undefined && second !== undefined)
    throw new Failure('body-unreadable', `expected ${name} once`, {
      detail: `Expected ${name} or ${other}, not both.`,
    });
  return found ?? second;
};

/** Returns the object under either name, an empty one when there is none. Throws Failure `body-unreadable` for anything else. */
export const protoObject = (value: unknown, name: string): JsonObject => {
  const found = protoMember(value, name) ?? {};
  if (isObject(found)) return found;
  throw new Failure('body-unreadable', `expected ${name} to be an object`, {
    detail: `Expected ${name} to be an object.`,
  });
};

/** Returns these members under their lowerCamelCase names, as far as they are there. */
export const protoMembers = (value: unknown, names: readonly string[]): JsonObject =>
  Object.fromEntries(
    names.flatMap((name): [string, unknown][] => {
      const found = protoMember(value, name);
      return found === undefined ? [] : [[name, found]];
    }),
  );
