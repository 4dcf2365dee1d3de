/** Looks at a config and everything that it names, without starting anything. */

import { ConfigError, type LoadedConfig, loadConfig, showProblem } from '../config/file.ts';
import type { Probe } from './check-probes.ts';
import type { Io } from './io.ts';

/** What one look found. */
export interface Finding {
  /** What was looked at, for people. */
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'problem';
  /** One line; empty when `ok` says it all. */
  readonly detail: string;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Returns what `probe` found; a probe that throws has found a problem. */
const look = async ({ check, run }: Probe, loaded: LoadedConfig, env: Io['env']): Promise<readonly Finding[]> => {
  const warnings: Finding[] = [];
  const warn = (detail: string): void => void warnings.push({ check, result: 'warning', detail });
  try {
    const details = await run({ ...loaded, env, warn });
    const problems = details.map((detail): Finding => ({ check, result: 'problem', detail }));
    return [...warnings, ...(problems.length === 0 ? [{ check, result: 'ok', detail: '' } as const] : problems)];
  } catch (error) {
    return [...warnings, { check, result: 'problem', detail: messageOf(error) }];
  }
};

const CONFIG = 'config';

const configProblems = ({ file, problems }: ConfigError): readonly Finding[] =>
  problems.map((problem) => ({ check: CONFIG, result: 'problem', detail: showProblem(file, problem) }));

const load = (file: string): LoadedConfig | ConfigError => {
  try {
    return loadConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
};

/**
 * Returns what was found by reading the config in `file`, an absolute path, and by every probe that `probesFor` names
 * for it. Probes need a config that can be read: without one there are only its problems.
 */
export const lookAt = async (
  io: Io,
  file: string,
  probesFor: (loaded: LoadedConfig) => readonly Probe[],
): Promise<readonly Finding[]> => {
  const loaded = load(file);
  if (loaded instanceof ConfigError) return configProblems(loaded);
  const findings: Finding[] = [{ check: CONFIG, result: 'ok', detail: '' }];
  for (const probe of probesFor(loaded)) {
    io.progress(`checking ${probe.check} …`);
    findings.push(...(await look(probe, loaded, io.env)));
  }
  return findings;
};
