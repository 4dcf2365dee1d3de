import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from './reasons.ts';
import { ask, serve } from './rpc.ts';

class Adder {
  readonly #base = 1;
  async add(n: number): Promise<number> {
    return this.#base + n;
  }
  fail(reason: 'overloaded' | 'other'): never {
    throw reason === 'overloaded'
      ? new Failure('overloaded', 'too much', { detail: 'wait' })
      : new TypeError('a defect');
  }
  hidden(_nothing: undefined): string {
    return 'not served';
  }
}

let channel: MessageChannel;
beforeEach(() => {
  channel = new MessageChannel();
});
afterEach(() => channel.port1.close());

const remote = () => {
  serve<Adder>(channel.port2, new Adder(), ['add', 'fail']);
  return ask<Adder>(channel.port1, ['add', 'fail', 'hidden']);
};

describe('rpc', () => {
  it('answers each question with its own answer, methods of classes included', async () => {
    const adder = remote();
    expect(await Promise.all([1, 2, 3].map((n) => adder.add(n)))).toEqual([2, 3, 4]);
  });

  it('carries a Failure with its reason and anything else as internal', async () => {
    const adder = remote();
    await expect(adder.fail('overloaded')).rejects.toMatchObject({
      reason: 'overloaded',
      message: 'too much',
      detail: 'wait',
    });
    await expect(adder.fail('other')).rejects.toMatchObject({ reason: 'internal', message: 'a defect' });
  });

  it('serves only what it names', async () => {
    await expect(remote().hidden(undefined)).rejects.toMatchObject({ reason: 'internal' });
  });

  it('fails what is still asked when the other side is gone', async () => {
    const adder = ask<Adder>(channel.port1, ['add']);
    const asked = adder.add(1);
    channel.port2.close();
    await expect(asked).rejects.toBeInstanceOf(Failure);
  });
});
