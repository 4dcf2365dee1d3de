import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memo, newFolder, open, signer } from '../../test/ledger/small-log.ts';
import { readDirectory } from './directory.ts';
import { encodeLeaf, type LeafBody } from './leaf.ts';
import type { LogReport } from './report.ts';
import { verifyLog } from './verify.ts';

const INST = '0123456789abcdef';
const SID = '01jd8z7k3v0000000000000000';
const HASH = 'ab'.repeat(32);

/** Returns leaf bytes of one run of the gateway, from `iseq` on. */
const leavesOf = (bodies: readonly LeafBody[], iseq = 0, inst = INST): readonly Uint8Array[] =>
  bodies.map((body, at) => encodeLeaf({ v: 1, ts: 1_700_000_000_000 + at, inst, iseq: iseq + at, ...body }));

const told = ({ problems }: LogReport): readonly string[] =>
  problems.map(({ kind, where, message }) => `${kind}: ${where} ${message}`);

const reportOn = async (leaves: readonly Uint8Array[]): Promise<LogReport> => {
  const dir = newFolder();
  const log = await open(dir);
  log.append(leaves, memo(''));
  await log.checkpoint();
  return verifyLog(readDirectory(join(dir, 'ledger')), { keys: [signer.verifier] });
};

describe('leaves that make no sense', () => {
  const start: LeafBody = {
    type: 'session.start',
    sid: SID,
    subj: HASH,
    service: 'llm',
    policy: HASH,
    decision: 'allow',
    ct: HASH,
    kc: HASH,
  };
  const end: LeafBody = {
    type: 'session.end',
    sid: SID,
    reason: 'completed',
    ended: 'ok',
    frames: 2,
    total: 9,
    cts: [HASH],
    f: [],
  };
  const recovered: LeafBody = { type: 'session.recovered', sid: SID, frames: 1, total: 9, cts: [HASH] };

  test.each<[string, readonly Uint8Array[], readonly string[]]>([
    ['nothing, when sessions begin and end', leavesOf([{ type: 'gateway.start' }, start, end, start, recovered]), []],
    [
      'a gap in a run',
      [...leavesOf([start]), ...leavesOf([end], 2)],
      [`sequence: leaf 1 run ${INST} counts 2 where 1 is due`],
    ],
    [
      'a leaf twice',
      [...leavesOf([{ type: 'gateway.stop' }]), ...leavesOf([{ type: 'gateway.stop' }])],
      [`sequence: leaf 1 run ${INST} counts 0 where 1 is due`],
    ],
    [
      'a run that does not begin at 0',
      leavesOf([{ type: 'gateway.stop' }], 1),
      [`sequence: leaf 0 run ${INST} counts 1 where 0 is due`],
    ],
    ['runs that take turns', [...leavesOf([start], 0, 'a'.repeat(16)), ...leavesOf([end], 0, 'b'.repeat(16))], []],
    ['an end without a start', leavesOf([end]), [`session: session ${SID} ends at leaf 0 without having begun`]],
    ['two ends', leavesOf([start, end, recovered]), [`session: session ${SID} ends at leaf 2 without having begun`]],
    ['two starts', leavesOf([start, start, end]), [`session: session ${SID} begins at leaf 0 and again at leaf 1`]],
    [
      'bytes that are no leaf',
      [new TextEncoder().encode('{"v": 1}')],
      ['leaf: leaf 0 JSON that is not in its canonical form (RFC 8785)'],
    ],
  ])('%s', async (_, leaves, problems) => {
    const report = await reportOn(leaves);
    expect([told(report), report.findingCount]).toEqual([problems, 0]);
  });

  test('are no more than a finding when a session is open or a type is new', async () => {
    const unknown = new TextEncoder().encode(
      `{"inst":"${INST}","iseq":1,"ts":1700000000001,"type":"later.type","v":1}`,
    );
    const report = await reportOn([...leavesOf([start]), unknown]);
    expect(report.ok).toBe(true);
    expect(report.findings).toEqual([
      { kind: 'unknown-leaf', where: 'leaf 1', message: 'a leaf of the type "later.type"' },
      { kind: 'open-session', where: `session ${SID}`, message: 'began at leaf 0 and has no end' },
    ]);
  });
});
