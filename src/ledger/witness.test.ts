import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { copyOf, memo, newFolder, ORIGIN, signer } from '../../test/ledger/small-log.ts';
import { type RunningWitness, startWitness } from '../../test/support/witness.ts';
import { parseWitness } from './cosignature.ts';
import { readDirectory } from './directory.ts';
import { encodeLeaf } from './leaf.ts';
import { type Log, openLog } from './log.ts';
import type { LogReport } from './report.ts';
import { verifyLog } from './verify.ts';

const INST = '0123456789abcdef';

const witnessOf = async (): Promise<RunningWitness> => {
  const witness = await startWitness(signer.verifier);
  onTestFinished(() => witness.close());
  return witness;
};

const absent: string[] = [];
const open = async (dir: string, ...witnesses: readonly RunningWitness[]): Promise<Log> => {
  absent.length = 0;
  const log = await openLog({ dir, signer, witnesses, absent: (name, why) => absent.push(`${name}: ${why}`) });
  onTestFinished(() => log.close());
  return log;
};

const grow = async (log: Log, size: number, ts = Date.now()): Promise<void> => {
  const leaves = Array.from({ length: size - log.size }, (_, at) =>
    encodeLeaf({ v: 1, ts, inst: INST, iseq: log.size + at, type: 'gateway.start' }),
  );
  log.append(leaves, memo(''));
  await log.checkpoint();
};

const verify = (dir: string, ...witnesses: readonly RunningWitness[]): Promise<LogReport> =>
  verifyLog(readDirectory(join(dir, 'ledger')), {
    keys: [signer.verifier],
    witnesses: witnesses.map(({ witness }) => witness),
  });
const told = ({ problems }: LogReport): readonly string[] =>
  problems.map(({ where, message }) => `${where} ${message}`);

describe('a log with a witness', () => {
  test('has its checkpoints cosigned, and verifies with what the witness saw', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    for (const size of [1, 3, 300, 520]) await grow(log, size);
    expect(witness.seen()?.size).toBe(520);
    expect(readFileSync(join(dir, 'ledger/checkpoint'), 'utf8')).toContain('— witness.example ');
    const report = await verify(dir, witness);
    expect(told(report)).toEqual([]);
    expect(report.witnessed).toMatchObject([{ name: 'witness.example', size: 520 }]);
    expect(absent).toEqual([]);
  });

  test('goes on when the witness is gone, says so, and catches up when it is back', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    await grow(log, 5);
    witness.instead = { status: 500, body: 'no' };
    await grow(log, 9);
    expect(absent).toEqual(['witness.example: it answers 500']);
    witness.instead = null;
    await grow(log, 300);
    expect(witness.seen()?.size).toBe(300);
    await witness.close();
    await grow(log, 301);
    expect(absent).toHaveLength(2);
    expect((await verify(dir, witness)).witnessed).toMatchObject([{ size: 300 }]);
  });

  test('takes no line for a cosignature that is none', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    const line = `— witness.example ${Buffer.alloc(76, 7).toString('base64')}\n`;
    for (const body of [line, line.repeat(40), '— x\n\n', 'nonsense', '']) {
      witness.instead = { status: 200, body };
      await grow(log, log.size + 1);
    }
    const report = await verify(dir, witness);
    expect([told(report), report.witnessed.map(({ size }) => size)]).toEqual([[], [0]]);
  });

  test('promise 7: does not start when the whole store was rolled back', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    await grow(log, 5);
    const before = copyOf(dir);
    await grow(log, 9);
    await expect(open(before, witness)).rejects.toThrow(
      'the witness witness.example has cosigned 9 leaves, and this log has 5: it was rolled back',
    );
    await expect(open(newFolder(), witness)).rejects.toThrow('has cosigned 9 leaves, and this log has 0');
  });

  test('asks those that come while it is open, and those that go no more', async () => {
    const [first, second, dir] = [
      await witnessOf(),
      await startWitness(signer.verifier, 'second.example'),
      newFolder(),
    ];
    onTestFinished(() => second.close());
    const log = await open(dir, first);
    await grow(log, 3);
    log.askWitnesses([second]);
    await grow(log, 300);
    expect([first.seen()?.size, second.seen()?.size]).toEqual([3, 300]);
    const report = await verify(dir, first, second);
    expect(told(report)).toEqual([]);
    expect(report.witnessed).toMatchObject([
      { name: 'witness.example', size: 3 },
      { name: 'second.example', size: 300 },
    ]);
  });

  test('promise 7: is stopped by a witness that comes later, when that has seen what was rolled back', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    await grow(log, 3);
    const old = copyOf(dir);
    await grow(log, 300);
    const back = await open(old);
    back.askWitnesses([witness]);
    await expect(grow(back, 5)).rejects.toMatchObject({ reason: 'evidence-unavailable' });
    expect(() => back.append([], memo(''))).toThrow('300 leaves, and this log has 5');
  });

  test('promise 7: is stopped by the witness when it is forked', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    await grow(log, 5);
    const fork = copyOf(dir);
    await grow(log, 9);
    // a second history, as far as the first one
    const other = await open(fork);
    await grow(other, 9, 1);
    await other.close();
    await expect(open(fork, witness)).rejects.toThrow('has cosigned another history than this log of 9 leaves');
    // behind its back while it runs
    const again = await open(copyOf(dir), witness);
    await grow(log, 20);
    await expect(grow(again, 15)).rejects.toThrow('has cosigned 20 leaves, and this log has 15: it was rolled back');
  });

  test('promise 7: finds leaves whose times cannot be true beside what the witness saw', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    const now = Date.now();
    await grow(log, 3, now);
    await grow(log, 4, now + 3_600_000);
    expect(told(await verify(dir, witness))).toEqual([
      expect.stringMatching(/^leaf 3 is dated .*, though witness\.example saw it at /),
    ]);
    const late = newFolder();
    const other = await startWitness(signer.verifier, 'late.example');
    onTestFinished(() => other.close());
    const second = await open(late, other);
    await grow(second, 3, now);
    await grow(second, 4, now - 3_600_000);
    const report = await verify(late, other);
    expect(told(report)).toEqual([
      expect.stringMatching(/^leaf 3 is dated .*, though late\.example had seen the leaves before it at /),
    ]);
    // without a witness it is no more than a hint
    const alone = await verify(late);
    expect(alone.ok).toBe(true);
    expect(alone.findings).toMatchObject([
      { kind: 'clock', where: 'leaf 3', message: expect.stringContaining('was set back') },
    ]);
  });

  test('promise 7: finds a cosignature that was changed', async () => {
    const [witness, dir] = [await witnessOf(), newFolder()];
    const log = await open(dir, witness);
    await grow(log, 3);
    const impostor = await startWitness(signer.verifier);
    onTestFinished(() => impostor.close());
    expect((await verify(dir, impostor)).witnessed).toEqual([]);
    expect(parseWitness(witness.key).name).toBe('witness.example');
  });
});

test('a key of a witness has one spelling', () => {
  for (const key of [
    '',
    'a+b+c',
    signer.verifier.vkey,
    `${ORIGIN}+00000000+${Buffer.alloc(33, 4).toString('base64')}`,
  ]) {
    expect(() => parseWitness(key), key).toThrow('witness key');
  }
});
