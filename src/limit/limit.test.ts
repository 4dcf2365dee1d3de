import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Facts, NOTHING_CLOSER } from '../call.ts';
import { configSchema } from '../config.ts';
import type { Usage } from '../protocol/codec.ts';
import type { Allowance, CallEnd } from './allowance.ts';
import { compileLimits, type Limits } from './compile.ts';
import { Counts, countsMemory } from './counts.ts';
import { DistinctCounts, distinctMemory } from './distinct.ts';
import { limit, type OverLimit } from './limit.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const SECRET = randomBytes(32);

const FACTS: Facts = {
  operation: 'chat',
  model: 'm-1',
  stream: true,
  texts: [],
  tools: [],
  tensors: [],
  maxTokens: 50,
  inputTokens: 10,
  n: 1,
  temperature: 1,
  images: 0,
  audios: 0,
  files: 0,
  tokenIds: 0,
  bodyBytes: 40,
  opaque: false,
  operations: 1,
  findings: {},
  closer: NOTHING_CLOSER,
  management: false,
};
const WHOLE: Facts = { ...FACTS, stream: false };

const limitsOf = (rules: Readonly<Record<string, object>>, prices: readonly object[] = []): Limits =>
  compileLimits({
    policies: configSchema.shape.policies.parse(
      Object.entries(rules).map(([name, limit]) => ({ name, when: 'true', limit: { within: '1m', ...limit } })),
    ),
    prices: configSchema.shape.prices.parse(prices),
    secret: SECRET,
  });

const world = (rules: Readonly<Record<string, object>>, prices: readonly object[] = []) => {
  const limits = limitsOf(rules, prices);
  const tables = { counts: new Counts(countsMemory(64)), distinct: new DistinctCounts(distinctMemory(16)) };
  const names = Object.keys(rules);
  const take = (each: readonly Facts[] = [FACTS], held: Allowance | null = null) =>
    limit(
      limits,
      tables,
      {
        limits: each.flatMap((_, at) => names.map((rule) => ({ rule, keys: ['somebody'], at }))),
        each,
        input: () => ({ high: 1, low: 1 }),
        held,
      },
      NOW,
    );
  /** What counts of the rule's first sum, or of its places. */
  const used = (rule: string) => {
    const { sums, concurrent } = limits.byRule.get(rule)!;
    const [sum] = sums;
    if (sum !== undefined) return tables.counts.read(sum.keyOf('somebody'), NOW).taken;
    return tables.counts.read(concurrent!.keyOf('somebody'), NOW).places;
  };
  return { take, used };
};

const allowed = (taken: Allowance | OverLimit): Allowance => {
  if (taken.kind === 'over') throw new Error(`expected an allowance, found ${taken.detail}`);
  return taken;
};

const end = (usage: Usage | null, more: Partial<CallEnd> = {}): CallEnd => ({
  reason: 'completed',
  status: 200,
  usage,
  ...more,
});

describe('limit', () => {
  it('takes all or nothing', () => {
    const { take, used } = world({ many: { requests: 5 }, places: { concurrent: 9 }, few: { requests: 1 } });
    allowed(take());
    expect(take()).toMatchObject({ kind: 'over', reason: 'rate-limited', rule: 'few' });
    expect([used('many'), used('places'), used('few')]).toEqual([1, 1, 1]);
  });

  it('takes for every operation of a batch, but one place', () => {
    const { take, used } = world({ many: { requests: 5 }, places: { concurrent: 1 } });
    allowed(take([FACTS, FACTS, FACTS]));
    expect([used('many'), used('places')]).toEqual([3, 1]);
    expect(take([FACTS, FACTS, FACTS])).toMatchObject({ kind: 'over', rule: 'places' });
  });

  it('takes for every message of a stream, but one place, and charges the one answer once', () => {
    const { take, used } = world({ places: { concurrent: 1 }, bytes: { answer_bytes: '100B' }, many: { requests: 3 } });
    const first = allowed(take());
    for (let message = 0; message < 2; message++) first.join(allowed(take([FACTS], first)));
    expect(take([FACTS], first)).toMatchObject({ kind: 'over', rule: 'many' });
    first.leave(30, NOW);
    expect([used('places'), used('bytes'), used('many')]).toEqual([1, 30, 3]);
    first.end(end(null), NOW);
    expect(used('places')).toBe(0);
  });

  it('refuses as overloaded where no further count can be kept, and leaves those that are', () => {
    const limits = limitsOf({ r: { requests: 1 } });
    const tables = { counts: new Counts(countsMemory(64)), distinct: new DistinctCounts(distinctMemory(16)) };
    const call = (name: string) =>
      limit(
        limits,
        tables,
        { limits: [{ rule: 'r', keys: [name] }], each: [FACTS], input: () => ({ high: 0, low: 0 }), held: null },
        NOW,
      );
    for (let n = 0; n < tables.counts.slots; n++) allowed(call(`k${n}`));
    expect(call('another')).toMatchObject({ kind: 'over', reason: 'overloaded', rule: 'r' });
    expect(call('k1')).toMatchObject({ kind: 'over', reason: 'rate-limited' });
  });

  it('gives places back once, however often the end is told', () => {
    const { take, used } = world({ places: { concurrent: 2 } });
    const [one] = [allowed(take()), allowed(take())];
    one.end(end(null), NOW);
    one.end(end(null), NOW);
    expect(used('places')).toBe(1);
  });

  it('says of what is beyond a rule what the rule says, and the bound', () => {
    const limits = compileLimits({
      policies: configSchema.shape.policies.parse([
        { name: 'one', when: 'true', message: 'Ask for more.', limit: { requests: 1, within: '90m' } },
      ]),
      prices: [],
      secret: SECRET,
    });
    const tables = { counts: new Counts(countsMemory(64)), distinct: new DistinctCounts(distinctMemory(16)) };
    const call = {
      limits: [{ rule: 'one', keys: [''] }],
      each: [FACTS],
      input: () => ({ high: 0, low: 0 }),
      held: null,
    };
    allowed(limit(limits, tables, call, NOW));
    expect(limit(limits, tables, call, NOW)).toMatchObject({
      detail: 'Ask for more. At most 1 requests within 90m.',
      frees: NOW + 90 * 60_000 + 270_000,
    });
  });
});

describe('tokens of a stream', () => {
  const started = (tokens = 100) => {
    const { take, used } = world({ t: { tokens } });
    const allowance = allowed(take());
    allowance.forwarded();
    return { allowance, used: () => used('t') };
  };

  it('are reserved for what is asked only, charged as they come, and settled by the usage', () => {
    const { allowance, used } = started();
    expect(used()).toBe(10);
    expect(allowance.wrote(80, NOW)).toBeNull();
    expect(used()).toBe(30);
    allowance.end(end({ input: 7, output: 18 }), NOW);
    expect(used()).toBe(25);
  });

  it('are charged beyond the limit by what came last only, and the limit is told', () => {
    const { allowance, used } = started();
    let written = 0;
    let usedUp = null;
    while (usedUp === null) usedUp = allowance.wrote((written += 20), NOW);
    expect(used()).toBe(105);
    expect(usedUp).toMatchObject({ limit: { rule: 't' } });
    allowance.end(end(null, { reason: 'budget-exceeded' }), NOW);
    expect(used()).toBe(105);
  });

  it('stay as they were estimated where nobody counts them, or the call breaks off', () => {
    for (const [usage, reason, expected] of [
      [null, 'completed', 30],
      [null, 'caller-left', 30],
      // what the beginning of an answer says of its output is not what it came to
      [{ input: 7, output: 1 }, 'caller-left', 27],
      [null, 'upstream-unreachable', 0],
    ] as const) {
      const { allowance, used } = started();
      allowance.wrote(80, NOW);
      allowance.end(end(usage, { reason }), NOW);
      expect(used()).toBe(expected);
    }
  });

  it('go on counting where another reader takes over', () => {
    const { allowance, used } = started(1000);
    allowance.wrote(80, NOW);
    allowance.wrote(40, NOW);
    allowance.wrote(60, NOW);
    expect(used()).toBe(10 + 35);
  });

  it('of a whole answer in place of a stream are those of all its bytes', () => {
    const { allowance, used } = started();
    allowance.leave(400, NOW);
    allowance.end(end(null), NOW);
    expect(used()).toBe(110);
  });
});

describe('tokens of a whole answer', () => {
  it('are reserved as far as the caller limits them, for each of n answers', () => {
    const { take, used } = world({ t: { tokens: 1000 } });
    allowed(take([{ ...WHOLE, n: 3 }])).forwarded();
    expect(used('t')).toBe(10 + 150);
  });

  it('are reserved by a guess where nobody limits them', () => {
    const { take, used } = world({ t: { tokens: 5000 } });
    allowed(take([{ ...WHOLE, maxTokens: Number.MAX_SAFE_INTEGER }]));
    expect(used('t')).toBe(10 + 1024);
  });

  it('are given back where no model read the call, and stay where it may have', () => {
    for (const [reason, status, expected] of [
      ['completed', 200, 10],
      ['completed', 500, 0],
      ['caller-left', 200, 60],
      ['upstream-failed', 502, 60],
      ['upstream-unreachable', 502, 0],
    ] as const) {
      const { take, used } = world({ t: { tokens: 1000 } });
      const allowance = allowed(take([WHOLE]));
      allowance.forwarded();
      allowance.end(end(null, { reason, status }), NOW);
      expect(used('t')).toBe(expected);
    }
  });

  it('are given back where the call was never forwarded', () => {
    const { take, used } = world({ t: { tokens: 1000 }, r: { requests: 5 } });
    allowed(take([WHOLE])).end(end(null, { reason: 'approval-required', status: 403 }), NOW);
    expect([used('t'), used('r')]).toEqual([0, 1]);
  });

  it('are no less than nothing, whatever a model server says', () => {
    const { take, used } = world({ t: { tokens: 1000 } });
    for (let call = 0; call < 3; call++) {
      const allowance = allowed(take([WHOLE]));
      allowance.forwarded();
      allowance.end(end({ input: -500, output: 3.2 }), NOW);
    }
    expect(used('t')).toBe(12);
  });
});

describe('cost', () => {
  const prices = [
    { model: 'm-*', input: 2.5, output: 10 },
    { model: '*.free', input: 0, output: 0 },
  ];

  it('is that of the first price that fits the model, in whole billionths', () => {
    const { take, used } = world({ s: { spend: 1 } }, prices);
    const allowance = allowed(take());
    allowance.forwarded();
    allowance.end(end({ input: 1000, output: 100 }), NOW);
    // 1000 × 2.5 + 100 × 10 millionths
    expect(used('s')).toBe(3_500_000);
  });

  it('of a model without a price is not known, so the call is refused', () => {
    const { take } = world({ s: { spend: 1 } }, prices);
    for (const model of ['other', 'xm-1', 'free', 'm.free.more'])
      expect(take([{ ...FACTS, model }])).toMatchObject({ kind: 'over', reason: 'policy-error', frees: Infinity });
    allowed(take([{ ...FACTS, model: 'any.free' }]));
  });
});

describe('bytes of answers', () => {
  it('may not leave once the limit is reached, to the byte', () => {
    const { take } = world({ b: { answer_bytes: '100B' } });
    const allowance = allowed(take());
    expect(allowance.leave(60, NOW)).toBeNull();
    expect(allowance.leave(40, NOW)).toBeNull();
    expect(allowance.leave(1, NOW)).toMatchObject({ limit: { rule: 'b' } });
    expect(take()).toMatchObject({ kind: 'over', reason: 'rate-limited' });
  });
});
