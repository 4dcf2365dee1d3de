/** Whether tensors are what a model says that it takes: their names, their types, their shapes, and how much data there is. */

import type { InputSpec, Tensor } from '../call.ts';

/** Bytes of one element, by type, where all elements have the same. */
export type ElementBytes = (datatype: string) => number | null;

const showShape = (shape: readonly number[] | null): string => (shape === null ? '[…]' : `[${shape.join(', ')}]`);
const show = ({ name, datatype, shape }: InputSpec): string => `${name} ${datatype} ${showShape(shape)}`;

/** A size of the model's below zero is any. */
const fitsShape = (shape: readonly number[], wanted: readonly number[] | null): boolean =>
  wanted === null ||
  (shape.length === wanted.length && shape.every((size, at) => (wanted[at] ?? 0) < 0 || size === wanted[at]));

/** A request that says no type (JSON of TensorFlow Serving, numbers) has one that is not text. */
const fitsType = (datatype: string, wanted: string): boolean =>
  datatype === '' ? wanted !== 'DT_STRING' : datatype === wanted;

/** `-1` in a request is no size, and what its data is nobody knows. */
const isWhole = (shape: readonly number[]): boolean => shape.every((size) => Number.isSafeInteger(size) && size >= 0);

const holds = ({ datatype, shape, bytes }: Tensor, elementBytes: ElementBytes): boolean => {
  const each = elementBytes(datatype);
  return each === null || bytes === each * shape.reduce((count, size) => count * size, 1);
};

/** One set of inputs; a tensor without a name is the only input that there is. */
const misfitOf = (
  tensors: readonly Tensor[],
  inputs: readonly InputSpec[],
  elementBytes: ElementBytes,
): string | null => {
  const seen = new Set<InputSpec>();
  for (const tensor of tensors) {
    const [only] = inputs;
    const wanted = tensor.name === '' && inputs.length === 1 ? only : inputs.find(({ name }) => name === tensor.name);
    if (wanted === undefined) return `it has the inputs ${inputs.map(({ name }) => name).join(', ')}`;
    if (seen.has(wanted)) return `it takes ${wanted.name} once`;
    seen.add(wanted);
    const fits = fitsType(tensor.datatype, wanted.datatype) && fitsShape(tensor.shape, wanted.shape);
    if (!fits || !isWhole(tensor.shape)) return `it takes ${show(wanted)}`;
    if (!holds(tensor, elementBytes)) return `the data of ${wanted.name} is to be as much as its shape says`;
  }
  return null;
};

/**
 * Returns why the tensors are not what the model takes, in words of the model's own; null when they fit one of its sets
 * of inputs. `elementBytes` says null for every type where a request does not show how much data there is.
 */
export const tensorMisfit = (
  tensors: readonly Tensor[],
  sets: readonly (readonly InputSpec[])[],
  elementBytes: ElementBytes,
): string | null => {
  const wrong = sets.map((inputs) => ({ inputs, why: misfitOf(tensors, inputs, elementBytes) }));
  if (wrong.some(({ why }) => why === null)) return null;
  // of several sets, the one that the names are of says most
  const named = wrong.find(({ inputs }) => tensors.every(({ name }) => inputs.some((input) => input.name === name)));
  return (named ?? wrong[0])?.why ?? 'it says nothing of its inputs';
};
