import { describe, expect, it } from 'vitest';
import type { InputSpec, Tensor } from '../call.ts';
import { elementBytes } from '../protocol/tensors.ts';
import { tensorMisfit } from './tensors.ts';

const IRIS: InputSpec = { name: 'iris', datatype: 'FP32', shape: [-1, 4] };
const WORDS: InputSpec = { name: 'words', datatype: 'BYTES', shape: [-1] };

const tensor = (more: Partial<Tensor> = {}): Tensor => ({
  name: 'iris',
  datatype: 'FP32',
  shape: [2, 4],
  bytes: 32,
  region: '',
  ...more,
});

const misfit = (...tensors: readonly Tensor[]): string | null => tensorMisfit(tensors, [[IRIS, WORDS]], elementBytes);

describe('tensorMisfit', () => {
  it('finds nothing where names, types, shapes and sizes are the model’s', () => {
    expect(misfit(tensor())).toBeNull();
    expect(misfit(tensor(), tensor({ name: 'words', datatype: 'BYTES', shape: [3], bytes: 99 }))).toBeNull();
    expect(misfit(tensor({ shape: [0, 4], bytes: 0 }))).toBeNull();
    expect(misfit()).toBeNull();
  });

  it.each<[string, Partial<Tensor>, string]>([
    ['a name', { name: 'Iris' }, 'it has the inputs iris, words'],
    ['no name', { name: '' }, 'it has the inputs iris, words'],
    ['a type', { datatype: 'FP64', bytes: 64 }, 'it takes iris FP32 [-1, 4]'],
    ['a size', { shape: [2, 5], bytes: 40 }, 'it takes iris FP32 [-1, 4]'],
    ['a rank', { shape: [8] }, 'it takes iris FP32 [-1, 4]'],
    ['no shape', { shape: [] }, 'it takes iris FP32 [-1, 4]'],
    ['a size below zero', { shape: [-1, 4] }, 'it takes iris FP32 [-1, 4]'],
    ['more data than its shape says', { bytes: 4_000_000 }, 'the data of iris is to be as much as its shape says'],
    ['less', { bytes: 0 }, 'the data of iris is to be as much as its shape says'],
  ])('finds %s that is another', (_, more, why) => {
    expect(misfit(tensor(more))).toBe(why);
  });

  it('finds an input that is there twice', () => {
    expect(misfit(tensor(), tensor())).toBe('it takes iris once');
  });

  it('takes a tensor without a name for the only input', () => {
    const only = (more: Partial<Tensor>) => tensorMisfit([tensor({ name: '', ...more })], [[IRIS]], elementBytes);
    expect(only({})).toBeNull();
    expect(only({ shape: [2, 3], bytes: 24 })).not.toBeNull();
    expect(tensorMisfit([tensor({ name: '' }), tensor()], [[IRIS]], elementBytes)).toBe('it takes iris once');
  });

  it('takes any shape where the model does, and none that is no shape', () => {
    const any = [[{ ...IRIS, shape: null }]];
    expect(tensorMisfit([tensor({ shape: [1, 2, 4] })], any, elementBytes)).toBeNull();
    expect(tensorMisfit([tensor({ shape: [-2, -4] })], any, elementBytes)).not.toBeNull();
  });

  it('holds tensors against each set of inputs, and tells of the one whose names they have', () => {
    const sets = [[WORDS], [IRIS]];
    expect(tensorMisfit([tensor()], sets, elementBytes)).toBeNull();
    expect(tensorMisfit([tensor({ shape: [1] })], sets, elementBytes)).toBe('it takes iris FP32 [-1, 4]');
    // not one of each
    const both = [tensor(), tensor({ name: 'words', datatype: 'BYTES', shape: [1] })];
    expect(tensorMisfit(both, sets, elementBytes)).not.toBeNull();
  });

  it('takes numbers without a type for anything but text', () => {
    const of = (wanted: string, datatype: string) =>
      tensorMisfit([tensor({ datatype })], [[{ ...IRIS, datatype: wanted }]], () => null);
    expect(of('DT_FLOAT', '')).toBeNull();
    expect(of('DT_STRING', '')).not.toBeNull();
    expect(of('DT_FLOAT', 'DT_STRING')).not.toBeNull();
  });

  it('finds everything where the model says nothing', () => {
    expect(tensorMisfit([tensor()], [], elementBytes)).toBe('it says nothing of its inputs');
  });
});
