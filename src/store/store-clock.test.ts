import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreClock } from './store-clock.ts';

const T = Date.UTC(2026, 0, 5, 12);

describe('the clock of a store', () => {
  it('is off by at most half of how long the first answer took, and by ever less', () => {
    const clock = new StoreClock();
    // 90 s ahead, an answer that took 400 ms on its way back
    clock.note(T, T + 90_000, T + 400);
    expect(clock.ahead).toBe(89_800);
    clock.note(T + 1000, T + 91_001, T + 1002);
    expect(clock.ahead).toBeGreaterThanOrEqual(89_999);
    expect(clock.ahead).toBeLessThanOrEqual(90_001);
  });

  it('is not moved by an answer that took long', () => {
    const clock = new StoreClock();
    clock.note(T, T + 1, T + 2);
    clock.note(T, T + 5, T + 9_000);
    expect(clock.ahead).toBe(0);
  });

  it('follows at once when either is set', () => {
    const clock = new StoreClock();
    clock.note(T, T, T);
    clock.note(T, T - 3_600_000, T);
    expect(clock.ahead).toBe(-3_600_000);
  });

  it('takes no notice of an answer during which this clock went back', () => {
    const clock = new StoreClock();
    clock.note(T, T, T);
    clock.note(T, T + 60_000, T - 5_000);
    clock.note(T, Number.NaN, T + 1);
    expect(clock.ahead).toBe(0);
  });

  it('stays within the bounds of the last answer, whatever came before', () => {
    const answers = fc.array(
      fc.record({ off: fc.integer({ min: -1e6, max: 1e6 }), up: fc.nat(500), down: fc.nat(500) }),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(answers, (list) => {
        const clock = new StoreClock();
        for (const { off, up, down } of list) {
          clock.note(T, T + up + off, T + up + down);
          expect(clock.ahead).toBeGreaterThanOrEqual(off - down);
          expect(clock.ahead).toBeLessThanOrEqual(off + up);
        }
      }),
    );
  });
});
