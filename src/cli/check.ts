/** `sallyport check`: tells whether a config would start, without starting it. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { onlineProbes, PROBES } from './check-probes.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { DEFAULT_CONFIG } from './load.ts';
import { lookAt } from './look.ts';
import { styled } from './table.ts';

const COLUMNS = [
  { key: 'result', title: 'RESULT' },
  { key: 'check', title: 'CHECK' },
  { key: 'detail', title: 'DETAIL' },
];

const STYLES = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

const check = async (io: Io, file: string, online: boolean): Promise<void> => {
  const findings = await lookAt(io, file, ({ config }) => [...PROBES, ...(online ? onlineProbes(config) : [])]);
  io.list(
    COLUMNS,
    findings,
    ({ result, check, detail }) => ({ result: styled(STYLES[result], result), check, detail }),
    'nothing to check',
  );
  if (findings.some(({ result }) => result === 'problem')) io.exit(EXIT.found);
};

/** Returns `sallyport check`. */
export const checkCommand = (io: Io): Command =>
  new Command('check')
    .description('tell whether a config would start: the file, the policies, the keys and credentials it names')
    .argument('[config]', 'the config to check', DEFAULT_CONFIG)
    .option('--online', 'also ask issuers for their keys, key services to wrap one, and the database for its tables')
    .action((config: string, { online }: { readonly online?: boolean }) =>
      check(io, resolve(io.cwd, config), online === true),
    );
