/** What the operating system says a process used. Linux only: it reads /proc. */

import { readdirSync, readFileSync } from 'node:fs';

/** CPU time by thread name, in microseconds. Names as the kernel keeps them: at most 15 characters. */
export type CpuTime = ReadonlyMap<string, number>;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The thread or process ended between the listing and the reading.
    return '';
  }
};

const tasks = (pid: number): readonly string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

/** Returns a process and all processes that it started, directly or not. */
export function processTree(pid: number): readonly number[] {
  const children = tasks(pid).flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean));
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
}

/** Returns the CPU time that all threads of the processes have used, user and system, as the scheduler counted it (ns precision). */
export function cpuTime(pids: readonly number[]): CpuTime {
  const times = new Map<string, number>();
  for (const pid of pids) {
    for (const task of tasks(pid)) {
      const name = read(`/proc/${pid}/task/${task}/comm`).trim();
      const nanos = Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0);
      times.set(name, (times.get(name) ?? 0) + nanos / 1000);
    }
  }
  return times;
}

/** Returns the time used between two readings, by thread name. */
export const cpuBetween = (before: CpuTime, after: CpuTime): CpuTime =>
  new Map(Array.from(after, ([name, time]) => [name, time - (before.get(name) ?? 0)]));

/** Returns the sum over all threads. */
export const total = (times: CpuTime): number => times.values().reduce((sum, time) => sum + time, 0);

/** Returns the resident memory of the processes, in MiB. */
export function residentMiB(pids: readonly number[]): number {
  const kib = pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0));
  return kib.reduce((sum, one) => sum + one, 0) / 1024;
}

/** Returns the type of the file system that holds an absolute path, as the mount table names it. */
export function fileSystemOf(path: string): string {
  const mounts = read('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '']) => at !== '' && (path === at || path.startsWith(at === '/' ? '/' : `${at}/`)));
  const [, , type = 'unknown'] = mounts.sort(([, a = ''], [, b = '']) => b.length - a.length)[0] ?? [];
  return type;
}
