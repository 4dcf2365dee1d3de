import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ENTITIES } from '../detect/scanner.ts';
import { stepsOf } from '../mask/answer-mask.ts';
import { createAnswerMask } from '../mask/answer.ts';
import { compileTextMasker } from '../mask/text-masker.ts';
import { codecs } from '../protocol/codecs.ts';
import { Failure } from '../reasons.ts';
import { answerLimit, type Steps } from '../turns.ts';
import { InOrder, longBytes } from './in-order.ts';
import { createWorkRoom } from './work-room.ts';

const entities = ENTITIES.map(({ name }) => name);
const masker = compileTextMasker([{ entities, with: 'replace' }], Buffer.alloc(32, 7));
/** About the most that a text can make the scan do. */
const SLOW = 'tel passport bank account 4111 1111 ';

const chat = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content } }] }));

const maskOf = (contentType = 'application/json') =>
  createAnswerMask({
    codec: codecs.openai,
    operation: { name: 'chat', body: 'json' },
    contentType,
    masker,
    found: () => {},
    limit: 64 * 1024 ** 2,
  });

/** The masking of a long whole answer. */
const longWork = (content = SLOW.repeat(1e6 / SLOW.length)): Steps<readonly Buffer[]> => {
  const mask = maskOf();
  mask.push(chat(content));
  expect(longBytes(mask, null)).toBeGreaterThan(content.length);
  return stepsOf(mask, null);
};

/** Counts how often the work is taken up. */
function* counted<T>(work: Steps<T>, count: { steps: number }): Steps<T> {
  for (;;) {
    count.steps++;
    const step = work.next();
    if (step.done === true) return step.value;
    yield;
  }
}

/** An order, and what becomes of it. */
const ordered = (most = 3_600_000, room = createWorkRoom(1e9)) => {
  const state = { left: false, failures: [] as unknown[], log: [] as string[], ended: Promise.withResolvers<void>() };
  const order = new InOrder({
    limit: answerLimit(most),
    room,
    left: () => state.left,
    guarded: (step) => step(),
    fail(cause) {
      state.failures.push(cause);
      state.ended.resolve();
    },
    done: () => state.ended.resolve(),
  });
  return { order, state };
};

describe('long masks of answers', { timeout: 120_000 }, () => {
  it('leave turns to everybody else, and nothing overtakes them', async () => {
    const { order, state } = ordered();
    let others = 0;
    const over = new AbortController();
    const taken = (async () => {
      for (; !over.signal.aborted; others++) await setImmediate();
    })();
    order.run(() => state.log.push('before'));
    order.run(() => order.inTurns(longWork(), 1e6, ([bytes]) => state.log.push(`masked ${bytes?.length}`)));
    order.run(() => state.log.push('behind'));
    expect(order.busy).toBe(true);
    expect(state.log).toEqual(['before']);
    await state.ended.promise;
    over.abort();
    await taken;
    expect(others).toBeGreaterThan(3);
    expect(state.log).toEqual(['before', expect.stringMatching(/^masked \d{6,}$/), 'behind']);
    expect(state.failures).toEqual([]);
  });

  it('take one turn each round, however many there are', async () => {
    let rounds = 0;
    const over = new AbortController();
    const turns: number[] = [];
    const watched = function* (work: Steps<readonly Buffer[]>): Steps<readonly Buffer[]> {
      for (;;) {
        turns.push(rounds);
        const step = work.next();
        if (step.done === true) return step.value;
        yield;
      }
    };
    const all = [1, 2, 3, 4].map(() => {
      const { order, state } = ordered();
      order.inTurns(watched(longWork()), 1e6, () => {});
      return state.ended.promise;
    });
    const first = turns.length;
    const taken = (async () => {
      for (; !over.signal.aborted; rounds++) await setImmediate();
    })();
    await Promise.all(all);
    over.abort();
    await taken;
    expect(first).toBeGreaterThan(0);
    // steps of one turn share a round; a turn is at least one step, so there are as many rounds as turns
    expect(rounds).toBeGreaterThan(8);
  });

  it('are given up at the next turn once nobody waits', async () => {
    const { order, state } = ordered();
    const count = { steps: 0 };
    order.inTurns(counted(longWork(), count), 1e6, () => state.log.push('masked'));
    order.run(() => state.log.push('behind'));
    const begun = count.steps;
    state.left = true;
    await state.ended.promise;
    await setImmediate();
    expect(begun).toBeGreaterThan(0);
    expect(count.steps).toBe(begun);
    expect(state.log).toEqual([]);
    expect(state.failures).toEqual([expect.objectContaining({ reason: 'caller-left' })]);
  });

  it('end the answer when they take too long, and what came behind never leaves', async () => {
    const { order, state } = ordered(1);
    order.inTurns(longWork(), 1e6, () => state.log.push('masked'));
    order.run(() => state.log.push('behind'));
    await state.ended.promise;
    expect(state.log).toEqual([]);
    expect(state.failures).toEqual([expect.any(Failure)]);
    expect(state.failures).toEqual([expect.objectContaining({ reason: 'answer-unreadable' })]);
  });

  it('are those of large events, too, and of none that is small', async () => {
    const mask = maskOf('text/event-stream');
    const event = (content: string): Buffer =>
      Buffer.from(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
    expect(longBytes(mask, event('hello bob@example.com '))).toBe(0);
    mask.push(event('hello bob@example.com '));
    const bytes = event(`${SLOW.repeat(1e6 / SLOW.length)}eve@example.com. `);
    for (let at = 0; at < bytes.length - 1000; at += 65_536) {
      expect(longBytes(mask, bytes.subarray(at, at + 1)) > 0).toBe(at >= 131_072);
      mask.push(bytes.subarray(at, Math.min(at + 65_536, bytes.length - 1000)));
    }
    const { order, state } = ordered();
    const count = { steps: 0 };
    order.inTurns(counted(stepsOf(mask, bytes.subarray(-1000)), count), 1e6, (pieces) => {
      state.log.push(Buffer.concat(pieces).toString().slice(-60));
    });
    await state.ended.promise;
    expect(count.steps).toBeGreaterThan(30);
    expect(state.log.join()).toContain('<EMAIL>');
    expect(state.log.join()).not.toContain('eve@');
  });

  it('wait for room, and leave the line when nobody waits for them', async () => {
    const room = createWorkRoom(1e6);
    const all = [1, 2, 3].map(() => ordered(3_600_000, room));
    const counts = all.map(() => ({ steps: 0 }));
    all.forEach(({ order, state }, at) => {
      const count = counts[at] ?? { steps: 0 };
      order.inTurns(counted(longWork(), count), 9e5, () => state.log.push('masked'));
    });
    expect(counts.map(({ steps }) => steps > 0)).toEqual([true, false, false]);
    expect(room.used).toBe(9e5);
    all[1]?.order.drop();
    await all[0]?.state.ended.promise;
    await all[2]?.state.ended.promise;
    expect(all.map(({ state }) => state.log)).toEqual([['masked'], [], ['masked']]);
    expect(counts[1]?.steps).toBe(0);
    expect(room.used).toBe(0);
  });

  it('give the room back when they fail, once', async () => {
    const room = createWorkRoom(1e6);
    const { order, state } = ordered(1, room);
    order.inTurns(longWork(), 2e6, () => {});
    expect(room.used).toBe(2e6);
    await state.ended.promise;
    order.drop();
    expect(room.used).toBe(0);
    expect(state.failures).toHaveLength(1);
  });
});

describe('work that somebody else does', () => {
  it('keeps the steps behind it waiting, in their order', async () => {
    const { order, state } = ordered();
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    order.run(() => state.log.push('a'));
    order.run(() => order.later(first.promise, (result) => state.log.push(result)));
    order.run(() => state.log.push('c'));
    order.run(() => order.later(second.promise, (result) => state.log.push(result)));
    order.run(() => state.log.push('e'));
    expect([order.busy, state.log.join()]).toEqual([true, 'a']);
    second.resolve('d');
    first.resolve('b');
    await state.ended.promise;
    expect([order.busy, state.log.join()]).toEqual([false, 'a,b,c,d,e']);
  });

  it('holds nobody any more once it has failed', async () => {
    const { order, state } = ordered();
    order.run(() => order.later(Promise.reject(new Error('failed')), () => state.log.push('never')));
    order.run(() => state.log.push('never'));
    expect(order.busy).toBe(true);
    await state.ended.promise;
    expect([order.busy, state.log.join(), state.failures.length]).toEqual([false, '', 1]);
  });
});
