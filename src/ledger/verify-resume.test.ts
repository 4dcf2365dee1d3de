import { generateKeyPairSync, sign } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { copyOf, memo, ORIGIN, signer } from '../../test/ledger/small-log.ts';
import { type Bookmark, encodeBookmark, parseBookmark } from './bookmark.ts';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { readDirectory } from './directory.ts';
import { cosignedText, parseWitness, witnessKeyId, witnessKeyText } from './cosignature.ts';
import { EMPTY_ROOT } from './hash.ts';
import { handOver } from './key-epochs.ts';
import { encodeLeaf, type LeafBody } from './leaf.ts';
import type { LogReader } from './log-reader.ts';
import { openLog } from './log.ts';
import { parseNote, signNote } from './note.ts';
import { generateSigner, type NoteSigner, parseSigner } from './note-key.ts';
import type { LogReport } from './report.ts';
import { verifyLog, type VerifyOptions } from './verify.ts';

const INST = '0123456789abcdef';
const [SID, LATE] = ['01jd8z7k3v0000000000000000', '01jd8z7k3v0000000000000001'];
const FIRST = 6_500;
const GROWN = 7_400;
let dir: string;
let grown: string;

const bodyAt = (iseq: number): LeafBody => {
  if (iseq === 10) {
    const ct = 'a'.repeat(64);
    return { type: 'session.start', sid: SID, subj: ct, service: 'llm', policy: ct, decision: 'allow', ct, kc: ct };
  }
  return { type: iseq === 0 ? 'gateway.start' : 'gateway.stop' };
};
const leafAt = (iseq: number, body: LeafBody = bodyAt(iseq)): Uint8Array =>
  encodeLeaf({ ...body, v: 1, ts: 1_700_000_000_000 + iseq, inst: INST, iseq });

/** Grows a log to each of these sizes, with a checkpoint at each. */
async function grow(folder: string, sizes: readonly number[], key: NoteSigner = signer): Promise<void> {
  const log = await openLog({ dir: folder, signer: key });
  for (const size of sizes) {
    log.append(
      Array.from({ length: size - log.size }, (_, n) => leafAt(log.size + n)),
      memo(''),
    );
    await log.checkpoint();
  }
  await log.close();
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ledger-resume-'));
  await grow(dir, [1, 300, 2_000, 4_000, 6_000, FIRST]);
  grown = `${dir}-grown`;
  cpSync(dir, grown, { recursive: true });
  await grow(grown, [6_700, 7_000, GROWN]);
  return () => [dir, grown].forEach((each) => rmSync(each, { recursive: true, force: true }));
}, 120_000);

/** Counts what is read of a log. */
function counting(folder: string): { readonly files: LogReader; readonly read: string[] } {
  const own = readDirectory(join(folder, 'ledger'));
  const read: string[] = [];
  return {
    read,
    files: {
      ...own,
      stream: (path) => own.stream(path),
      list: () => own.list(),
      read(path, limit) {
        read.push(path);
        return own.read(path, limit);
      },
    },
  };
}

interface Ran {
  readonly report: LogReport;
  readonly kept: readonly Bookmark[];
  readonly bundles: readonly string[];
}

async function run(
  folder: string,
  from: Bookmark | null,
  options: Partial<VerifyOptions> = {},
  every = 512,
): Promise<Ran> {
  const kept: Bookmark[] = [];
  const { files, read } = counting(folder);
  const resume = {
    bookmark: from,
    keep: (each: Bookmark) => void kept.push(each),
    where: folder,
    now: () => 1_750_000_000_000,
    every,
  };
  const report = await verifyLog(files, { keys: [signer.verifier], resume, ...options });
  return { report, kept, bundles: read.filter((path) => path.startsWith('tile/entries/')) };
}

const told = ({ problems }: LogReport): readonly string[] =>
  problems.map(({ kind, where, message }) => `${kind}: ${where} ${message}`);

/** What of a report is the same whether it was come by at once or in parts. */
const essence = ({ ok, origin, size, root, checkpoints, problems, findings, findingCount }: LogReport) => ({
  ok,
  origin,
  size,
  root,
  checkpoints,
  problems,
  findings,
  findingCount,
});

const lastOf = (kept: readonly Bookmark[]): Bookmark => {
  const last = kept.at(-1);
  if (last === undefined) throw new Error('expected a bookmark');
  return parseBookmark(encodeBookmark(last));
};

/** Changes one leaf in its bundle. */
const change = (folder: string, index: number): void => {
  const at = Math.floor(index / 256);
  const file = join(folder, 'ledger/tile/entries', at < 1000 ? String(at).padStart(3, '0') : `x001/${at - 1000}`);
  const leaves = decodeBundle(readFileSync(file)).map((leaf, n) =>
    n === index % 256 ? Buffer.from(Buffer.from(leaf).toString().replace('"iseq":', '"isek":')) : leaf,
  );
  writeFileSync(file, encodeBundle(leaves));
};

describe('a verification that was interrupted', () => {
  test('goes on from any of its bookmarks, and comes to the same report', async () => {
    const whole = await run(dir, null);
    expect(told(whole.report)).toEqual([]);
    expect(whole.report).toMatchObject({ ok: true, readFrom: 0, readEarlier: [], size: FIRST, checkpoints: 7 });
    expect(whole.report.findings).toMatchObject([{ kind: 'open-session', where: `session ${SID}` }]);
    expect(whole.kept.length).toBe(13);
    for (const bookmark of [...whole.kept.slice(0, 3), ...whole.kept.slice(-3)]) {
      const rest = await run(dir, parseBookmark(encodeBookmark(bookmark)));
      expect(essence(rest.report)).toEqual(essence(whole.report));
      expect(rest.report.readFrom).toBe(bookmark.size);
      expect(rest.report.readEarlier).toEqual([
        { leaves: bookmark.size, began: 1_750_000_000_000, ended: 1_750_000_000_000, where: dir },
      ]);
      // none of the bundles before it is read again
      expect(rest.bundles.length).toBe(Math.ceil((FIRST - bookmark.size) / 256));
      const { read: _, ...same } = lastOf(rest.kept);
      const { read: __, ...once } = lastOf(whole.kept);
      expect(same).toEqual(once);
    }
  });

  test('keeps a bookmark of a log that has no full bundle yet: it must not become shorter', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-resume-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await grow(folder, [3, 90]);
    const before = copyOf(folder);
    await grow(folder, [200]);
    const { kept } = await run(folder, null);
    expect(lastOf(kept)).toMatchObject({ size: 0, checkpoint: { size: 200 }, read: [] });
    expect(told((await run(before, lastOf(kept))).report)).toEqual([
      'rollback: the checkpoint verified earlier is over 200 leaves, and the log has 90: leaves were taken away',
    ]);
  });
});

describe('a log that has grown since', () => {
  test('is read from where it was read to, and proven to go on from there', async () => {
    const { kept } = await run(dir, null);
    const { report, bundles, kept: next } = await run(grown, lastOf(kept));
    expect(told(report)).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      size: GROWN,
      checkpoints: 10,
      freshness: { kind: 'extends', size: FIRST },
    });
    expect(report.readFrom).toBe(FIRST - (FIRST % 256));
    expect(bundles.length).toBeLessThan(12);
    expect(lastOf(next).read.map(({ leaves }) => leaves)).toEqual([FIRST - (FIRST % 256), GROWN - (GROWN % 256)]);
    const { read: _, ...same } = lastOf(next);
    const { read: __, ...once } = lastOf((await run(grown, null)).kept);
    expect(same).toEqual(once);
  });

  test('is found to end a session that the earlier part began, and no other', async () => {
    const { kept } = await run(dir, null);
    const folder = copyOf(dir);
    const log = await openLog({ dir: folder, signer });
    const end = (sid: string): LeafBody => ({ type: 'session.recovered', sid, frames: 0, total: 0, cts: [] });
    log.append([leafAt(FIRST, end(SID)), leafAt(FIRST + 1, end(LATE))], memo(''));
    await log.checkpoint();
    await log.close();
    const { report } = await run(folder, lastOf(kept));
    expect(told(report)).toEqual([`session: session ${LATE} ends at leaf ${FIRST + 1} without having begun`]);
    expect(report.findings).toEqual([]);
  });

  test('is proven to extend a checkpoint of the part that is not read again, given besides', async () => {
    const early = mkdtempSync(join(tmpdir(), 'ledger-resume-'));
    onTestFinished(() => rmSync(early, { recursive: true, force: true }));
    await grow(early, [1, 300]);
    const note = readFileSync(join(early, 'ledger/checkpoint'));
    const { kept } = await run(dir, null);
    const good = await run(grown, lastOf(kept), { checkpoint: note });
    expect(told(good.report)).toEqual([]);
    const other = copyOf(dir);
    rmSync(join(other, 'ledger'), { recursive: true });
    rmSync(join(other, 'ledger-wal'), { recursive: true });
    const log = await openLog({ dir: other, signer });
    log.append(
      Array.from({ length: 300 }, (_, n) => leafAt(n, { type: 'gateway.start' })),
      memo(''),
    );
    await log.checkpoint();
    await log.close();
    const forged = readFileSync(join(other, 'ledger/checkpoint'));
    expect(told((await run(grown, lastOf(kept), { checkpoint: forged })).report)).toEqual([
      'rollback: the checkpoint kept elsewhere is of another history: the log had another root at 300 leaves',
    ]);
  });

  test('has had its key replaced, before the bookmark and behind it', async () => {
    const folder = copyOf(dir);
    const second = parseSigner(generateSigner(ORIGIN));
    const third = parseSigner(generateSigner(ORIGIN));
    const rotate = async (from: NoteSigner, to: NoteSigner): Promise<void> => {
      const log = await openLog({ dir: folder, signer: from });
      log.append([leafAt(log.size, handOver(from, to.verifier))], memo(''));
      await log.succeed(to);
      await log.close();
    };
    await rotate(signer, second);
    await grow(folder, [FIRST + 600], second);
    const first = await run(folder, null);
    expect(told(first.report)).toEqual([]);
    await rotate(second, third);
    await grow(folder, [FIRST + 1200], third);
    for (const keys of [[signer.verifier], [second.verifier], [third.verifier]]) {
      const from = keys[0] === third.verifier ? null : lastOf(first.kept);
      const { report } = await run(folder, from, { keys });
      expect(told(report)).toEqual([]);
    }
    // goes on from before the handover, under the key that was replaced
    const before = copyOf(dir);
    await grow(before, [FIRST + 700]);
    const { report } = await run(before, lastOf(first.kept));
    expect(told(report).join()).toContain('checkpoint: ');
  });
});

describe('a key that was replaced between the last full bundle and the end', () => {
  /** A log whose key was replaced behind its last full bundle, and what a run over it kept. */
  async function replaced() {
    const folder = copyOf(dir);
    const second = parseSigner(generateSigner(ORIGIN));
    const log = await openLog({ dir: folder, signer });
    log.append([leafAt(FIRST, handOver(signer, second.verifier))], memo(''));
    await log.succeed(second);
    await log.close();
    const { report, kept } = await run(folder, null);
    expect(told(report)).toEqual([]);
    return { folder, second, bookmark: lastOf(kept) };
  }

  test('is read of again, whatever came behind it', async () => {
    const { folder, second, bookmark } = await replaced();
    expect(told((await run(folder, bookmark)).report)).toEqual([]);
    const third = parseSigner(generateSigner(ORIGIN));
    await grow(folder, [FIRST + 50], second);
    const log = await openLog({ dir: folder, signer: second });
    log.append([leafAt(log.size, handOver(second, third.verifier))], memo(''));
    await log.succeed(third);
    await log.close();
    expect(told((await run(folder, bookmark)).report)).toEqual([]);
    await grow(folder, [FIRST + 600], third);
    for (const keys of [[signer.verifier], [second.verifier]]) {
      expect(told((await run(folder, bookmark, { keys })).report)).toEqual([]);
    }
  });

  test('is not the key of a log that does not hand over to it', async () => {
    const { second, bookmark } = await replaced();
    const folder = copyOf(dir);
    const log = await openLog({ dir: folder, signer });
    log.append([leafAt(FIRST)], memo(''));
    await log.close();
    await grow(folder, [FIRST + 600]);
    const head = join(folder, 'ledger/checkpoint');
    const history = join(folder, 'ledger/checkpoints');
    const note = readFileSync(head, 'utf8');
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const forged = signNote(text, [second]);
    writeFileSync(head, forged);
    writeFileSync(history, readFileSync(history, 'utf8').replace(note, forged));
    const early = { ...bookmark, checkpoint: { ...bookmark.checkpoint, size: 0, root: EMPTY_ROOT.toBase64() } };
    expect((await run(folder, early)).report.ok).toBe(false);
  });
});

test('a cosignature in front of a bookmark says nothing of the leaves behind its checkpoint', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-resume-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const log = await openLog({ dir: folder, signer });
  const start = 1_700_000_000_000;
  for (const [from, to, ts] of [
    [0, 250, start],
    [250, 300, start + 600_000],
  ] as const) {
    const leaves = Array.from({ length: to - from }, (_, n) =>
      encodeLeaf({ type: 'gateway.stop', v: 1, ts, inst: INST, iseq: from + n }),
    );
    log.append(leaves, memo(''));
    await log.checkpoint();
  }
  await log.close();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const name = 'witness.example/w1';
  const history = join(folder, 'ledger/checkpoints');
  const notes = readFileSync(history, 'utf8');
  const own = /[^\n]+\n250\n[^\n]+\n\n[^\n]+\n/.exec(notes)?.[0] ?? '';
  const { text } = parseNote(Buffer.from(own));
  const id = Buffer.alloc(12);
  id.writeUInt32BE(witnessKeyId(name, raw));
  id.writeBigUInt64BE(BigInt(start / 1000), 4);
  const line = `\u2014 ${name} ${Buffer.concat([id, sign(null, Buffer.from(cosignedText(text, start / 1000)), privateKey)]).toString('base64')}\n`;
  writeFileSync(history, notes.replace(own, own + line));
  const witnesses = [parseWitness(witnessKeyText(name, raw))];
  const whole = await run(folder, null, { witnesses }, 256);
  expect(told(whole.report)).toEqual([]);
  expect(whole.report.witnessed).toEqual([{ name, at: start, size: 250 }]);
  expect(essence((await run(folder, lastOf(whole.kept), { witnesses })).report)).toEqual(essence(whole.report));
});

describe('promise 7: a log that was changed after its bookmark was made', () => {
  test('in the part that is not read again: the report says which part that is, and a plain run finds it', async () => {
    const { kept } = await run(dir, null);
    const folder = copyOf(grown);
    change(folder, 500);
    const { report } = await run(folder, lastOf(kept));
    // it has not read the leaf, and does not say that it has
    expect(report).toMatchObject({ ok: true, readFrom: FIRST - (FIRST % 256) });
    expect(report.readEarlier).toMatchObject([{ leaves: FIRST - (FIRST % 256), where: dir }]);
    const plain = await verifyLog(readDirectory(join(folder, 'ledger')), { keys: [signer.verifier] });
    expect(plain.readFrom).toBe(0);
    expect(told(plain).join('\n')).toContain('leaf: leaf 500 ');
  });

  test('in the part that is read: it is found, and no bookmark goes beyond it', async () => {
    const { kept } = await run(dir, null);
    const folder = copyOf(grown);
    change(folder, 6_900);
    const { report, kept: next } = await run(folder, lastOf(kept), {}, 256);
    expect(told(report).join('\n')).toContain('leaf: leaf 6900 ');
    expect(Math.max(...next.map(({ size }) => size))).toBeLessThanOrEqual(6_900);
  });

  test('rewritten from before the bookmark on, by who holds the key', async () => {
    const { kept } = await run(dir, null);
    const folder = mkdtempSync(join(tmpdir(), 'ledger-resume-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const log = await openLog({ dir: folder, signer });
    for (const size of [1, 300, 2_000, 4_000, 6_000, FIRST, GROWN]) {
      log.append(
        Array.from({ length: size - log.size }, (_, n) =>
          leafAt(log.size + n, log.size + n === 777 ? { type: 'gateway.start' } : bodyAt(log.size + n)),
        ),
        memo(''),
      );
      await log.checkpoint();
    }
    await log.close();
    // it is whole by itself
    expect((await run(folder, null)).report.ok).toBe(true);
    expect(told((await run(folder, lastOf(kept))).report)).toEqual([
      'history: checkpoints does not begin with the 6 checkpoints that were verified earlier',
      `root: checkpoint of size ${GROWN} the leaves lead to another root than was signed`,
    ]);
    // with the old checkpoints put in front, it is the new ones that do not fit
    writeFileSync(
      join(folder, 'ledger/checkpoints'),
      readFileSync(join(dir, 'ledger/checkpoints'), 'utf8') +
        readFileSync(join(folder, 'ledger/checkpoint'), 'utf8') +
        '\n',
    );
    const { report, kept: next } = await run(folder, lastOf(kept));
    expect(told(report)).toContain(`root: checkpoint of size ${GROWN} the leaves lead to another root than was signed`);
    expect(next).toEqual([]);
  });

  test('cut off before the bookmark, or behind it and before its checkpoint', async () => {
    const { kept } = await run(grown, null);
    expect(told((await run(dir, lastOf(kept))).report)).toEqual([
      `rollback: the bookmark is behind ${GROWN - (GROWN % 256)} leaves, and the log has ${FIRST}: leaves were taken away`,
    ]);
  });
});

describe('a bookmark', () => {
  test('is refused when a character of it is another, or it is cut off', async () => {
    const text = encodeBookmark(lastOf((await run(dir, null)).kept));
    for (let at = 0; at < text.length; at += 97) {
      const other = text[at] === '1' ? '2' : '1';
      expect(() => parseBookmark(text.slice(0, at) + other + text.slice(at + 1))).toThrow(/bookmark/);
      expect(() => parseBookmark(text.slice(0, at))).toThrow(/bookmark/);
    }
  });

  test('is refused for another log, another key, other witnesses', async () => {
    const bookmark = lastOf((await run(dir, null)).kept);
    await expect(run(dir, bookmark, { origin: 'another.example/log' })).rejects.toThrow('a bookmark of the log');
    const stranger = parseSigner(generateSigner(ORIGIN)).verifier;
    await expect(run(dir, bookmark, { keys: [stranger] })).rejects.toThrow('none of these keys');
    await expect(run(dir, { ...bookmark, witnesses: ['w+1'] })).rejects.toThrow('other witnesses');
  });

  test('tells of many runs as of few', async () => {
    let { kept } = await run(dir, null, {}, 512);
    const first = kept[0];
    if (first === undefined) throw new Error('expected a bookmark');
    let bookmark: Bookmark = {
      ...first,
      read: Array.from({ length: 32 }, (_, n) => ({ leaves: n, began: n, ended: n, where: 'x' })),
    };
    ({ kept } = await run(dir, bookmark));
    bookmark = lastOf(kept);
    expect(bookmark.read.length).toBe(32);
    expect(bookmark.read[0]).toEqual({ leaves: 1, began: 0, ended: 1, where: 'x' });
  });
});
