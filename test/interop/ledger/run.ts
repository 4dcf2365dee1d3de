/**
 * Has logs that this project wrote verified by programs that other people wrote: golang.org/x/mod/sumdb through the
 * small reader beside this file, and the fsck of transparency-dev/tessera. Both must accept what is whole and refuse
 * what was changed. Needs Go and its modules; says what could not run, and ends with 2 then.
 *
 * Run it with `node test/interop/ledger/run.ts`.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeLeaf } from '../../../src/ledger/leaf.ts';
import { openLog } from '../../../src/ledger/log.ts';
import { generateSigner, parseSigner } from '../../../src/ledger/note-key.ts';

const FSCK = 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4';
const TIME_LIMIT = 120_000;
// fsck hangs on an early mismatch: no answer in time is a refusal.
const FSCK_LIMIT = 30_000;
const BATCH = 1000;

const folder = mkdtempSync(join(tmpdir(), 'ledger-interop-'));
const signer = parseSigner(generateSigner('interop.example/ledger'));
const keyFile = join(folder, 'key');
writeFileSync(keyFile, signer.verifier.vkey);

/** A verifier that other people wrote. */
interface Verifier {
  readonly name: string;
  /** Returns what it said, or null when it did not accept the log. */
  readonly accepts: (log: string) => string | null;
}

/** Returns what a program printed, or null when it failed or did not end. */
const output = (command: string, args: readonly string[], cwd: string, limit: number): string | null => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: limit });
  return status === 0 ? `${stdout}${stderr}`.trim() : null;
};

/** Builds a Go program into our folder. Returns null, and says so, when it cannot be built here. */
const build = (name: string, args: readonly string[]): string | null => {
  const { status, stderr, error } = spawnSync('go', args, {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...process.env, GOBIN: folder },
  });
  if (status === 0) return join(folder, name);
  console.log(`NOT RUN  ${name}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
  return null;
};

const sumdb = (): Verifier | null => {
  const program = build('sumdb', ['build', '-o', join(folder, 'sumdb'), '.']);
  if (program === null) return null;
  const { vkey } = signer.verifier;
  return { name: 'golang.org/x/mod/sumdb', accepts: (log) => output(program, [vkey, log], folder, TIME_LIMIT) };
};

const fsckOptions = (log: string): readonly string[] => [
  '-storage_url',
  `file://${log}/`,
  '-public_key',
  keyFile,
  '-ui=false',
  '-N',
  '16',
];

// fsck ends with 0 whatever it found: only these words are an acceptance.
const ACCEPTED = /Successfully fsck'd log with size \d+/;

const fsck = (): Verifier | null => {
  const program = build('fsck', ['install', FSCK]);
  if (program === null) return null;
  const accepts = (log: string): string | null => {
    const said = output(program, fsckOptions(log), folder, FSCK_LIMIT) ?? '';
    return ACCEPTED.exec(said)?.[0] ?? null;
  };
  return { name: 'tessera fsck', accepts };
};

/** Writes a log with a checkpoint at each size, and returns its public folder. */
const write = async (sizes: readonly number[]): Promise<string> => {
  const dir = mkdtempSync(join(folder, 'log-'));
  const log = await openLog({ dir, signer });
  for (const size of sizes) {
    while (log.size < size) {
      const leaves = Array.from({ length: Math.min(BATCH, size - log.size) }, (_, at) =>
        encodeLeaf({ v: 1, ts: Date.now(), inst: '0123456789abcdef', iseq: log.size + at, type: 'gateway.start' }),
      );
      log.append(leaves, new Uint8Array(0));
    }
    await log.checkpoint();
  }
  await log.close();
  return join(dir, 'ledger');
};

/** Returns a copy of a log with one bit of one file changed. */
const spoiled = (log: string, path: string): string => {
  const copy = mkdtempSync(join(folder, 'spoiled-'));
  cpSync(log, copy, { recursive: true });
  const bytes = readFileSync(join(copy, path));
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(join(copy, path), bytes);
  return copy;
};

const WHOLE: readonly (readonly number[])[] = [
  [1],
  [1, 2, 3, 15],
  [255, 256, 257],
  [300, 511, 512, 600],
  [1000, 65_536, 70_000],
];
const CHANGED = ['checkpoint', 'tile/0/000', 'tile/entries/001', 'tile/0/002.p/88', 'tile/1/000.p/2'];

const main = async (): Promise<number> => {
  const verifiers = [sumdb(), fsck()].filter((verifier) => verifier !== null);
  let failures = 0;
  const tell = (good: boolean, line: string): void => {
    if (!good) failures += 1;
    console.log(`${good ? 'ok      ' : 'FAILED  '} ${line}`);
  };
  for (const sizes of WHOLE) {
    const log = await write(sizes);
    for (const { name, accepts } of verifiers) {
      const said = accepts(log);
      tell(said !== null, `${name} accepts a log with checkpoints at ${sizes.join(', ')}: ${said ?? 'refused'}`);
    }
  }
  const log = await write([300, 600]);
  for (const path of CHANGED) {
    for (const { name, accepts } of verifiers)
      tell(accepts(spoiled(log, path)) === null, `${name} refuses it with ${path} changed`);
  }
  if (failures > 0) return 1;
  return verifiers.length === 2 ? 0 : 2;
};

try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
