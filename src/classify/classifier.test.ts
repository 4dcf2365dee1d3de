import { describe, expect, it } from 'vitest';
import { configSchema, type ClassifierConfig } from '../config.ts';
import { Failure } from '../reasons.ts';
import { createClassifier, type Post } from './classifier.ts';
import type { Question } from './question.ts';

const config = (more: object = {}): ClassifierConfig => {
  const parsed = configSchema.shape.classifiers.unwrap().element.parse({
    name: 'guard',
    kind: 'webhook',
    url: 'http://127.0.0.1:9/',
    on_error: 'deny',
    timeout: '1h',
    ...more,
  });
  return parsed;
};

const QUESTION: Question = {
  phase: 'request',
  service: 'llm',
  model: '',
  masked: true,
  parts: [{ role: 'user', text: 'hush', from: 0 }],
  asked: '',
};

const reply = (value: unknown, status = 200) => ({ status, body: Buffer.from(JSON.stringify(value)) });
const PASSED = reply({ flagged: false });
const staying = (): AbortSignal => new AbortController().signal;

/** A clock that a test moves. */
const manual = () => {
  let micros = 0;
  return { now: () => 0, mono: () => micros, pass: (ms: number) => void (micros += ms * 1000) };
};

const failureOf = async (asked: Promise<unknown>): Promise<Failure> => {
  const cause = await asked.then(
    () => null,
    (error: unknown) => error,
  );
  if (cause instanceof Failure) return cause;
  throw new Error(`expected a Failure, found ${String(cause)}`);
};

describe('a classifier', () => {
  it.each([
    ['status 500', reply({ flagged: false }, 500)],
    ['status 301', reply({ flagged: false }, 301)],
    ['status 204', { status: 204, body: Buffer.alloc(0) }],
    ['no JSON', { status: 200, body: Buffer.from('{"flagged": fal') }],
    ['no JSON', { status: 200, body: Buffer.alloc(0) }],
    ['no JSON', { status: 200, body: Buffer.from([0x22, 0xff, 0x22]) }],
    ['more than', { status: 200, body: null }],
    ['not as the contract says', reply({ error: 'hush' })],
  ])('has failed on %s: that is no pass', async (why, answer) => {
    const classifier = createClassifier(config(), async () => answer, manual());
    const failure = await failureOf(classifier.ask(QUESTION, staying()));
    expect(failure.reason).toBe('classifier-unavailable');
    expect(failure.message).toContain(why);
    expect(failure.message).not.toContain('hush');
  });

  it('has failed when it hangs, and what it says too late counts no more', async () => {
    const post: Post = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    const classifier = createClassifier(config({ timeout: '1ms' }), post, manual());
    expect((await failureOf(classifier.ask(QUESTION, staying()))).message).toBe('no answer within 1 ms');
  });

  it('is asked no more when the caller leaves, and is not blamed for it', async () => {
    const left = new AbortController();
    const classifier = createClassifier(
      config({ circuit: { failures: 1 } }),
      async (_, signal) => {
        left.abort();
        signal.throwIfAborted();
        return PASSED;
      },
      manual(),
    );
    expect((await failureOf(classifier.ask(QUESTION, left.signal))).reason).toBe('caller-left');
    const again = await failureOf(classifier.ask(QUESTION, left.signal));
    expect(again.reason).toBe('caller-left');
  });

  it('is left alone after failures in a row, and tried by one question after the pause', async () => {
    const clock = manual();
    let asked = 0;
    let works = false;
    const post: Post = async () => {
      asked++;
      return works ? PASSED : reply({}, 503);
    };
    const classifier = createClassifier(config({ circuit: { failures: 2, pause: '10s' } }), post, clock);
    const ask = () => classifier.ask(QUESTION, staying());
    await failureOf(ask());
    await failureOf(ask());
    expect((await failureOf(ask())).message).toContain('left alone');
    expect(asked).toBe(2);
    clock.pass(10_000);
    const [tried, behind] = await Promise.all([failureOf(ask()), failureOf(ask())]);
    expect([tried.message.includes('503'), behind.message.includes('left alone'), asked]).toEqual([true, true, 3]);
    clock.pass(10_000);
    works = true;
    expect((await ask()).flagged).toBe(false);
    expect((await ask()).flagged).toBe(false);
  });

  it('is asked so many questions at once, the next when one ends, and more than may wait fail at once', async () => {
    const open: (() => void)[] = [];
    const under = { way: 0, most: 0 };
    const post: Post = async () => {
      under.most = Math.max(under.most, ++under.way);
      await new Promise<void>((resolve) => open.push(resolve));
      under.way--;
      return PASSED;
    };
    const classifier = createClassifier(config({ concurrent: 2 }), post, manual());
    const asked = Array.from({ length: 2 + 16 }, () => classifier.ask(QUESTION, staying()));
    const over = await failureOf(classifier.ask(QUESTION, staying()));
    expect(over.message).toContain('too many');
    while (open.length > 0 || under.way > 0) {
      open.shift()?.();
      await new Promise(setImmediate);
    }
    expect((await Promise.all(asked)).length).toBe(18);
    expect(under.most).toBe(2);
  });
});
