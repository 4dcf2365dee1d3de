import { describe, expect, it } from 'vitest';
import type { InputSets } from '../protocol/model-inputs.ts';
import { MetadataCache, ModelGeneration } from './metadata-cache.ts';

const INPUTS: InputSets = [[{ name: 'x', datatype: 'FP32', shape: [1] }]];

const setUp = (memory = new SharedArrayBuffer(ModelGeneration.bytes)) => {
  let now = 1_000_000;
  const asked: string[] = [];
  const answers: (() => Promise<InputSets>)[] = [];
  const cache = new MetadataCache(10_000, { now: () => now, mono: () => now * 1000 }, new ModelGeneration(memory));
  const get = (key: string, anew = false) =>
    cache.get(
      key,
      () => {
        asked.push(key);
        return answers.shift()?.() ?? Promise.resolve(INPUTS);
      },
      anew,
    );
  return { cache, asked, answers, get, pass: (ms: number) => void (now += ms) };
};

const failing = () => Promise.reject(new Error('gone'));
const unavailable = expect.objectContaining({ reason: 'metadata-unavailable' });

describe('metadata of models', () => {
  it('is asked for once at a time, and stands while it is fresh', async () => {
    const { asked, get, pass } = setUp();
    expect(await Promise.all([get('a'), get('a'), get('b')])).toEqual([INPUTS, INPUTS, INPUTS]);
    pass(9_999);
    await get('a');
    expect(asked).toEqual(['a', 'b']);
    pass(1);
    await get('a');
    expect(asked).toEqual(['a', 'b', 'a']);
  });

  it('is asked for anew when something does not fit it, but not again and again', async () => {
    const { asked, get, pass } = setUp();
    await get('a');
    await get('a', true);
    expect(asked.length).toBe(1);
    pass(1_000);
    await get('a', true);
    await get('a', true);
    expect(asked.length).toBe(2);
  });

  it('fails closed, and asks again a second later', async () => {
    const { asked, answers, get, pass } = setUp();
    answers.push(failing);
    await expect(get('a')).rejects.toEqual(unavailable);
    await expect(get('a')).rejects.toEqual(unavailable);
    expect(asked.length).toBe(1);
    pass(1_000);
    expect(await get('a')).toEqual(INPUTS);
  });

  it('counts a model that says nothing of its inputs as one that cannot be held against anything', async () => {
    const { answers, get } = setUp();
    answers.push(() => Promise.resolve([]));
    await expect(get('a')).rejects.toEqual(unavailable);
  });

  it('is forgotten when models are loaded', async () => {
    const { cache, asked, get } = setUp();
    await get('a');
    cache.clear();
    await get('a');
    expect(asked.length).toBe(2);
  });

  it('keeps the latest of many: callers name the models', async () => {
    const { asked, get } = setUp();
    for (let at = 0; at <= 256; at++) await get(`m${at}`);
    await get('m256');
    await get('m1');
    expect(asked.length).toBe(257);
    await get('m0');
    expect(asked.length).toBe(258);
  });

  it('asks again when the clock was set back', async () => {
    const { asked, get, pass } = setUp();
    await get('a');
    pass(-60_000);
    await get('a');
    expect(asked.length).toBe(2);
  });

  it('is forgotten by every worker when one has seen a model loaded', async () => {
    const memory = new SharedArrayBuffer(ModelGeneration.bytes);
    const [one, other] = [setUp(memory), setUp(memory)];
    await Promise.all([one.get('a'), other.get('a')]);
    one.cache.clear();
    await Promise.all([one.get('a'), other.get('a'), other.get('a')]);
    expect([one.asked, other.asked]).toEqual([
      ['a', 'a'],
      ['a', 'a'],
    ]);
  });
});
