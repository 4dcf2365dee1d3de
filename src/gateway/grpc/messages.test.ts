import { PassThrough } from 'node:stream';
import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { frameOf } from '../../protocol/grpc/grpc.ts';
import { createBodyBudget } from '../http/body.ts';
import { CallerMessages, type MessageLimits } from './messages.ts';

const FRAMES = ['one', '', 'x'.repeat(300), 'last'].map((text) => frameOf(Buffer.from(text)));
const WIRE = Buffer.concat(FRAMES);

const reading = (more: Partial<MessageLimits> = {}) => {
  const budget = createBodyBudget(1000);
  const stream = new PassThrough();
  const messages = new CallerMessages(stream, { longest: 500, timeout: 60_000, prompt: false, budget, ...more });
  return { budget, stream, messages };
};

const all = async (messages: CallerMessages): Promise<readonly number[]> => {
  const lengths: number[] = [];
  for (let frame = await messages.next(); frame !== null; frame = await messages.next())
    lengths.push(frame.bytes.length);
  return lengths;
};

describe('CallerMessages', () => {
  it('hands out the same messages wherever the stream is cut, and gives all memory back', async () => {
    for (let cut = 0; cut <= WIRE.length; cut++) {
      const { budget, stream, messages } = reading();
      stream.write(WIRE.subarray(0, cut));
      stream.end(WIRE.subarray(cut));
      expect(await all(messages)).toEqual(FRAMES.map(({ length }) => length));
      expect(budget.used).toBe(0);
    }
  });

  it('does not read on while a message waits to be taken', async () => {
    const { budget, stream, messages } = reading();
    for (let at = 0; at < 20; at++) stream.write(FRAMES[2]);
    expect(await messages.next()).not.toBeNull();
    await later(20);
    // one that was handed out, and one that waits
    expect(budget.used).toBeLessThanOrEqual(2 * 305);
    messages.stop();
    expect(budget.used).toBe(0);
  });

  it.each([
    ['a message over the limit', frameOf(Buffer.alloc(501)), 'body-too-large'],
    ['what is no frame', Buffer.from([7, 0, 0, 0, 0]), 'body-unreadable'],
  ])('refuses %s', async (_, bytes, reason) => {
    const { stream, messages } = reading();
    stream.write(bytes);
    await expect(messages.next()).rejects.toMatchObject({ reason });
    await expect(messages.next()).rejects.toMatchObject({ reason });
  });

  it('refuses a stream that ends within a message', async () => {
    const { stream, messages } = reading();
    stream.end(WIRE.subarray(0, 20));
    await messages.next();
    await messages.next();
    await expect(messages.next()).rejects.toMatchObject({ reason: 'body-unreadable' });
  });

  it('refuses what the memory for all callers has no room for', async () => {
    const { stream, messages } = reading({ longest: 5000 });
    stream.write(frameOf(Buffer.alloc(2000)));
    await expect(messages.next()).rejects.toMatchObject({ reason: 'overloaded' });
  });

  it('tells that the caller left before it had said everything', async () => {
    const { stream, messages } = reading();
    const next = messages.next();
    stream.destroy();
    await expect(next).rejects.toMatchObject({ reason: 'caller-left' });
  });

  it.each([
    ['a message that has begun', false, WIRE.subarray(0, 6)],
    ['a message that nothing keeps from beginning', true, Buffer.alloc(0)],
  ])('does not wait for ever for %s', async (_, prompt, bytes) => {
    const { stream, messages } = reading({ timeout: 20, prompt });
    stream.write(bytes);
    await expect(messages.next()).rejects.toMatchObject({ reason: 'body-timeout' });
  });

  it('waits for the next message of a conversation for as long as it takes', async () => {
    const { stream, messages } = reading({ timeout: 10 });
    const next = messages.next();
    await later(50);
    stream.write(FRAMES[0]);
    expect((await next)?.bytes.length).toBe(8);
  });
});
