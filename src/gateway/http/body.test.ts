import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createBodyBudget, readBody } from './body.ts';

/** The reading side of an exchange that a test drives by hand. */
class Incoming extends EventEmitter {
  readonly httpVersion = '2.0';
  readonly rawHeaders = [];
  complete = false;
  destroyed = false;
  malformed = false;
  pause(): void {}
}

const limits = { maxBody: 10, timeout: 60_000, budget: createBodyBudget(15) };

describe('readBody', () => {
  it('gives back what it took of the budget, once', async () => {
    const incoming = new Incoming();
    const reading = readBody(incoming, null, limits);
    incoming.emit('data', Buffer.from('abc'));
    incoming.complete = true;
    incoming.emit('end');
    const body = await reading;
    expect([body.bytes.toString(), limits.budget.used]).toEqual(['abc', 3]);
    body.release();
    body.release();
    expect(limits.budget.used).toBe(0);
  });

  it('takes no half body for a whole one: a stream that was reset ends, too', async () => {
    const incoming = new Incoming();
    const reading = readBody(incoming, null, limits);
    incoming.emit('data', Buffer.from('abc'));
    incoming.emit('end');
    await expect(reading).rejects.toMatchObject({ reason: 'caller-left' });
    expect(limits.budget.used).toBe(0);
  });

  it('does not wait for a caller who has left before', async () => {
    const incoming = new Incoming();
    incoming.destroyed = true;
    await expect(readBody(incoming, null, limits)).rejects.toMatchObject({ reason: 'caller-left' });
  });

  it('takes nothing of a body whose framing breaks', async () => {
    const incoming = new Incoming();
    const reading = readBody(incoming, null, limits);
    incoming.emit('data', Buffer.from('abc'));
    incoming.emit('malformed');
    await expect(reading).rejects.toMatchObject({ reason: 'body-unreadable' });
    incoming.malformed = true;
    await expect(readBody(incoming, null, limits)).rejects.toMatchObject({ reason: 'body-unreadable' });
    expect(limits.budget.used).toBe(0);
  });

  it('takes a body that has come whole at once, within the same bounds', async () => {
    const whole = (text: string): Incoming & { takeWhole(): Buffer } =>
      Object.assign(new Incoming(), { complete: true, takeWhole: () => Buffer.from(text) });
    const body = await readBody(whole('abc'), 3, limits);
    expect([body.bytes.toString(), limits.budget.used]).toEqual(['abc', 3]);
    await expect(readBody(whole('abcdefghijk'), 10, limits)).rejects.toMatchObject({ reason: 'body-too-large' });
    const other = await readBody(whole('0123456789'), 10, limits);
    await expect(readBody(whole('abc'), 3, limits)).rejects.toMatchObject({ reason: 'overloaded' });
    for (const taken of [body, other, body]) taken.release();
    expect(limits.budget.used).toBe(0);
  });

  it('refuses what is over the limit, declared or not, and what is over the budget', async () => {
    await expect(readBody(new Incoming(), 11, limits)).rejects.toMatchObject({ reason: 'body-too-large' });
    const large = new Incoming();
    const reading = readBody(large, null, limits);
    large.emit('data', Buffer.alloc(11));
    await expect(reading).rejects.toMatchObject({ reason: 'body-too-large' });
    const [first, second] = [new Incoming(), new Incoming()];
    void readBody(first, null, limits).catch(() => {});
    const crowded = readBody(second, null, limits);
    first.emit('data', Buffer.alloc(8));
    second.emit('data', Buffer.alloc(8));
    await expect(crowded).rejects.toMatchObject({ reason: 'overloaded' });
    first.emit('close');
    expect(limits.budget.used).toBe(0);
  });

  it('refuses a body that does not come in time', async () => {
    const reading = readBody(new Incoming(), null, { ...limits, timeout: 5 });
    await expect(reading).rejects.toMatchObject({ reason: 'body-timeout' });
  });
});
