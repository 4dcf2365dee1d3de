import { describe, expect, it } from 'vitest';
import { ResetBudget } from './reset-budget.ts';

/** Resets `perSecond` streams a second for so many seconds, `answered` of others before each; returns how many passed. */
function resets(budget: ResetBudget, perSecond: number, seconds: number, answered = 0): number {
  for (let at = 0; at < perSecond * seconds; at++) {
    for (let other = 0; other < answered; other++) budget.answered();
    if (!budget.reset((at * 1000) / perSecond)) return at;
  }
  return perSecond * seconds;
}

describe('ResetBudget', () => {
  it('lets a client live that cancels all of 200 calls a second, for an hour', () => {
    expect(resets(new ResetBudget(500), 200, 3600)).toBe(200 * 3600);
  });

  it('ends a flood within its first moments', () => {
    expect(resets(new ResetBudget(500), 100_000, 10)).toBeLessThan(1_010);
    expect(resets(new ResetBudget(500), 600, 3600)).toBeLessThan(600 * 11);
  });

  it('lets a client live at any rate that cancels no more than it lets be answered', () => {
    expect(resets(new ResetBudget(10), 5_000, 60, 1)).toBe(300_000);
  });

  it('saves nothing up: answers of the past pay for one burst', () => {
    const budget = new ResetBudget(10);
    for (let at = 0; at < 10_000; at++) budget.answered();
    expect(resets(budget, 100_000, 1)).toBe(20);
  });
});
