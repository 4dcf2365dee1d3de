/** Where a text stands in a request or answer, and which places a masking rule is about. */

import type { JsonStep } from '../call.ts';
import { namePattern } from '../name-pattern.ts';
import { compileSelectors } from '../selectors.ts';

/** Where a text stands. What is not known is null: a rule that asks for it applies, because it might be meant. */
export interface Place {
  /** In its document; empty for a body that is one text. */
  readonly path: readonly JsonStep[] | null;
  /** Of the message that it belongs to; '' for none. */
  readonly role: string | null;
  /** The tensor that it is an element of; '' for none. */
  readonly tensor: string | null;
}

/** Nothing is known of where a text stands. */
export const ANYWHERE: Place = { path: null, role: null, tensor: null };

/** What a config says of the places of a rule. */
export interface PlaceConfig {
  readonly paths?: readonly string[] | undefined;
  readonly tensors?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
}

/** Returns whether a place is meant by a rule. */
export type IsMeant = (place: Place) => boolean;

const test = <T>(wanted: ((found: T) => boolean) | null, found: T | null): boolean =>
  wanted === null || found === null || wanted(found);

/** Returns the test for the places of a rule: each list that it gives must hold. Throws SelectorError. */
export const compilePlaces = ({ paths, tensors, roles }: PlaceConfig): IsMeant => {
  const isPath = paths === undefined ? null : compileSelectors(paths);
  const names = tensors?.map(namePattern) ?? null;
  const isTensor = names === null ? null : (name: string) => names.some((isName) => isName(name));
  const isRole = roles === undefined ? null : (role: string) => roles.includes(role);
  return (place) => test(isPath, place.path) && test(isTensor, place.tensor) && test(isRole, place.role);
};

const memberOf = (value: unknown, step: JsonStep): unknown =>
  Object.getOwnPropertyDescriptor(Object(value), step)?.value;

/**
 * Returns the tensor that a place of a JSON document belongs to, '' for none: `inputs` and `outputs` are lists of tensors
 * with a name (KServe) or maps by name (TensorFlow Serving), `instances` and `predictions` lists of such maps.
 */
export const tensorAt = (path: readonly JsonStep[], document: unknown): string => {
  const [list, second, third] = path;
  if (list === 'inputs' || list === 'outputs') {
    if (typeof second === 'string') return second;
    const name = second === undefined ? '' : memberOf(memberOf(memberOf(document, list), second), 'name');
    return typeof name === 'string' ? name : '';
  }
  return (list === 'instances' || list === 'predictions') && typeof third === 'string' ? third : '';
};

/**
 * Returns the place of a text in a message of gRPC. `tensor` is missing where the method is not known to speak of tensors: then
 * whose text it is cannot be told either, unless the model says it.
 */
export const messagePlace = (path: readonly JsonStep[], tensor: string | undefined, isAnswer: boolean): Place => ({
  path,
  role: isAnswer ? 'assistant' : tensor === undefined ? null : '',
  tensor: tensor ?? null,
});
