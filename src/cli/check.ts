/** `sallyport check`: tells whether a config would start, without starting it. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { ConfigError, type LoadedConfig, loadConfig, showProblem } from '../config-file.ts';
import { onlineProbes, PROBES, type Probe } from './check-probes.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { DEFAULT_CONFIG } from './load.ts';
import { styled } from './table.ts';

/** What one look found. */
interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'problem';
  /** One line; empty when `ok` says it all. */
  readonly detail: string;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Returns what a probe found; a probe that throws has found a problem. */
const look = async ({ check, run }: Probe, loaded: LoadedConfig, io: Io): Promise<readonly Finding[]> => {
  const warnings: Finding[] = [];
  const warn = (detail: string): void => void warnings.push({ check, result: 'warning', detail });
  try {
    const details = await run({ ...loaded, env: io.env, warn });
    const problems = details.map((detail): Finding => ({ check, result: 'problem', detail }));
    return [...warnings, ...(problems.length === 0 ? [{ check, result: 'ok', detail: '' } as const] : problems)];
  } catch (error) {
    return [...warnings, { check, result: 'problem', detail: messageOf(error) }];
  }
};

const lookAtConfig = (
  file: string,
): { readonly findings: readonly Finding[]; readonly loaded: LoadedConfig | null } => {
  const check = 'config';
  try {
    return { findings: [{ check, result: 'ok', detail: '' }], loaded: loadConfig(file) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const findings = error.problems.map(
      (problem): Finding => ({ check, result: 'problem', detail: showProblem(error.file, problem) }),
    );
    return { findings, loaded: null };
  }
};

const COLUMNS = [
  { key: 'result', title: 'RESULT' },
  { key: 'check', title: 'CHECK' },
  { key: 'detail', title: 'DETAIL' },
];

const STYLES = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

const check = async (io: Io, file: string, online: boolean): Promise<void> => {
  const { findings, loaded } = lookAtConfig(file);
  const all = [...findings];
  const probes = loaded === null ? [] : [...PROBES, ...(online ? onlineProbes(loaded.config) : [])];
  for (const probe of loaded === null ? [] : probes) {
    io.progress(`checking ${probe.check} …`);
    if (loaded !== null) all.push(...(await look(probe, loaded, io)));
  }
  io.list(
    COLUMNS,
    all,
    ({ result, check, detail }) => ({ result: styled(STYLES[result], result), check, detail }),
    'nothing to check',
  );
  if (all.some(({ result }) => result === 'problem')) io.exit(EXIT.found);
};

/** Returns `sallyport check`. */
export const checkCommand = (io: Io): Command =>
  new Command('check')
    .description('tell whether a config would start: the file, the policies, the keys and credentials it names')
    .argument('[config]', 'the config to check', DEFAULT_CONFIG)
    .option('--online', 'also ask every issuer for its keys')
    .action((config: string, { online }: { readonly online?: boolean }) =>
      check(io, resolve(io.cwd, config), online === true),
    );
