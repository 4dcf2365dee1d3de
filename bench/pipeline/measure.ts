/** One window of load on one contender, and what the operating system charged for it. */

import type { Child } from './child.ts';
import type { Contender } from './contenders.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { cpuBetween, cpuTime, processTree, residentMiB, total } from './usage.ts';

/** What one window showed. */
export interface Sample {
  readonly calls: number;
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** CPU time of the contender's whole process tree, a call. */
  readonly cpuMicrosPerCall: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMiB: number;
  /** The same CPU time by part; empty for contenders without parts. */
  readonly cpuMicrosByPart: Readonly<Record<string, number>>;
}

/** Runs one window. Throws when any answer was wrong: figures of wrong answers are worth nothing. */
export async function measure(
  load: Child,
  contender: Contender,
  order: Omit<LoadOrder, keyof Contender['call']>,
): Promise<Sample> {
  const tree = processTree(contender.pid);
  const before = cpuTime(tree);
  const result = await load.ask<LoadResult>({ ...order, ...contender.call });
  const spent = cpuBetween(before, cpuTime(tree));
  const { calls, seconds, p50, p99, wrong } = result;
  if (Object.keys(wrong).length > 0 || calls === 0)
    throw new Error(
      `${contender.name} answered wrongly in ${order.variant}: ${JSON.stringify(wrong)} of ${calls} calls`,
    );
  const parts = Object.entries(contender.parts?.(spent) ?? {});
  return {
    calls,
    seconds,
    callsPerSecond: calls / seconds,
    cpuMicrosPerCall: total(spent) / calls,
    p50Ms: p50,
    p99Ms: p99,
    rssMiB: residentMiB(tree),
    cpuMicrosByPart: Object.fromEntries(parts.map(([part, time]) => [part, time / calls])),
  };
}
