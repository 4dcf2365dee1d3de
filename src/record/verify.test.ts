import { copyFileSync, cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { completed, newFolder, oneCall, opening, openHouse, verifyJournals } from '../../test/record/house.ts';
import { type Frame, readFrame } from './frame.ts';
import { journalFolder, readJournalFile, readJournalHead } from './journal-name.ts';
import { showId } from './session-id.ts';
import type { JournalReport } from './verify.ts';

let original: string;
let size: number;
/** A whole call; a stream of several frames. */
let short: string;
let long: string;

beforeAll(async () => {
  const house = await openHouse({ workers: 2 });
  original = house.folder;
  house.recorder.refused('203.0.113.9', 'no-token');
  short = await oneCall(house.recorder);
  const stream = house.recorder.open(opening());
  for (let index = 0; index < 4; index++) {
    stream.bytes(Buffer.from(`piece ${index}`));
    house.recorder.flush();
  }
  stream.close(completed);
  long = stream.id;
  await oneCall(house.recorders[1] ?? house.recorder);
  await house.close();
  size = house.ledger.size;
});

interface Copy {
  readonly folder: string;
  /** The journal of worker 0. */
  readonly file: string;
  readonly path: string;
  readonly bytes: Buffer;
  readonly frames: readonly Frame[];
}

/** Returns a copy of the evidence that may be attacked. */
function copy(): Copy {
  const folder = newFolder();
  cpSync(original, folder, { recursive: true });
  const file = readdirSync(journalFolder(folder)).find((name) => name.includes('-w0-')) ?? '';
  const path = join(journalFolder(folder), file);
  const bytes = readFileSync(path);
  return { folder, file, path, bytes, frames: framesOf(file, bytes) };
}

function framesOf(file: string, bytes: Buffer): readonly Frame[] {
  const name = readJournalFile(file);
  const frames: Frame[] = [];
  for (let at = name === null ? 0 : (readJournalHead(bytes, name) ?? 0); at < bytes.length; ) {
    const frame = readFrame(bytes, at);
    if (typeof frame === 'string') throw new Error('expected whole frames');
    frames.push(frame);
    at = frame.end;
  }
  return frames;
}

const check = (folder: string): Promise<JournalReport> => verifyJournals(folder, size);

/** Writes the journal again with these frames after its head. */
const rewrite = ({ path, bytes, frames }: Copy, kept: readonly Frame[]): void => {
  const head = bytes.subarray(0, frames[0]?.start ?? 0);
  writeFileSync(path, Buffer.concat([head, ...kept.map(({ start, end }) => bytes.subarray(start, end))]));
};

describe('journals against their ledger', () => {
  it('are found in order, with what is in them', async () => {
    expect(await check(original)).toEqual({
      files: 2,
      frames: 13,
      sessions: 3,
      open: 0,
      unsealed: 0,
      torn: 0,
      erased: 0,
      removed: 0,
      problems: [],
    });
  });

  it('are found changed after a change of any single byte', async () => {
    const { folder, path, bytes } = copy();
    for (let at = 0; at < bytes.length; at += 97) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      writeFileSync(path, changed);
      expect((await check(folder)).problems.length, `byte ${at}`).toBeGreaterThan(0);
    }
  });

  it('are found changed in one place, and only there: what is behind it is read', async () => {
    const { folder, file, path, bytes, frames } = copy();
    const damaged = frames.find(({ sid, seq }) => showId(sid) === long && seq === 2);
    if (damaged === undefined) throw new Error('expected a frame of the stream');
    const spots = { content: damaged.end - 3, crc: damaged.start + 5, length: damaged.start, id: damaged.start + 12 };
    for (const [name, at] of Object.entries(spots)) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x04;
      writeFileSync(path, changed);
      const { problems } = await check(folder);
      const [first, ...others] = problems;
      expect(first, name).toMatchObject({ file, offset: damaged.start });
      const noFrame = `holds no whole frame here, the next one is at ${damaged.end}`;
      expect(first?.found, name).toBe(name === 'length' ? noFrame : 'frame 2: its bytes do not have their checksum');
      for (const { session } of others) expect([long, first?.session], name).toContain(session);
    }
  });

  it('are found changed though nothing behind the damage can be read', async () => {
    const { folder, file, path, bytes, frames } = copy();
    const [from] = frames.slice(-2);
    if (from === undefined) throw new Error('expected two frames');
    writeFileSync(path, Buffer.from(bytes).fill(0xff, from.start));
    const { problems } = await check(folder);
    expect(problems).toContainEqual(
      expect.objectContaining({ file, offset: from.start, found: 'holds no whole frame here, nor behind it' }),
    );
  });

  it('are found changed while they are written, where it is sealed; what is not sealed may be torn', async () => {
    const house = await openHouse();
    const ids = new Set([await oneCall(house.recorder), await oneCall(house.recorder)]);
    await expect.poll(async () => (await house.rows()).filter(({ ended }) => ended !== null).length).toBe(2);
    const { size: leaves } = await house.ledger.checkpoint();
    const folder = newFolder();
    cpSync(house.folder, folder, { recursive: true });
    await house.close();
    const [file = ''] = readdirSync(journalFolder(folder));
    const path = join(journalFolder(folder), file);
    const bytes = readFileSync(path);
    expect((await verifyJournals(folder, leaves)).problems).toEqual([]);

    const [first, second] = framesOf(file, bytes).filter(({ sid }) => ids.has(showId(sid)));
    if (first === undefined || second === undefined) throw new Error('expected frames of the calls');
    const changed = Buffer.from(bytes);
    changed[first.start + 5] = (changed[first.start + 5] ?? 0) ^ 1;
    writeFileSync(path, changed);
    expect((await verifyJournals(folder, leaves)).problems).toEqual([
      {
        session: showId(first.sid),
        file,
        offset: first.start,
        found: `frame ${first.seq}: its bytes do not have their checksum`,
      },
    ]);

    const torn = Buffer.from(bytes.subarray(first.start, first.end));
    // of another session, whose opening was never synced
    torn[10] = (torn[10] ?? 0) ^ 0xff;
    writeFileSync(path, Buffer.concat([bytes, torn]));
    expect((await verifyJournals(folder, leaves)).problems).toEqual([]);
  });

  it('are found changed though the CRC was made to fit: the session, the file and the place are named', async () => {
    const attacked = copy();
    const { folder, file, path, bytes, frames } = attacked;
    const frame = frames.at(5);
    if (frame === undefined) throw new Error('expected a frame');
    const changed = Buffer.from(bytes);
    changed[frame.end - 1] = (changed[frame.end - 1] ?? 0) ^ 1;
    const { crc32 } = await import('node:zlib');
    changed.writeUInt32LE(crc32(changed.subarray(frame.start + 8, frame.end)), frame.start + 4);
    writeFileSync(path, changed);
    expect((await check(folder)).problems).toContainEqual(
      expect.objectContaining({
        session: long,
        file,
        offset: expect.any(Number),
        found: expect.stringContaining('not those'),
      }),
    );
  });

  it.each(Array.from({ length: 9 }, (_, index) => index))('are found out when frame %i is taken out', async (taken) => {
    const attacked = copy();
    expect(attacked.frames).toHaveLength(10);
    rewrite(
      attacked,
      attacked.frames.filter((_, index) => index !== taken),
    );
    expect((await check(attacked.folder)).problems.length).toBeGreaterThan(0);
  });

  it('are found out when two frames change places', async () => {
    const attacked = copy();
    const { frames } = attacked;
    rewrite(
      attacked,
      frames.map((frame, index) => frames[index === 4 ? 5 : index === 5 ? 4 : index] ?? frame),
    );
    const { problems } = await check(attacked.folder);
    expect(problems).toContainEqual(
      expect.objectContaining({ session: long, found: 'expected frame 1, found frame 2' }),
    );
  });

  it('are found out when an opening is there twice', async () => {
    const twice = copy();
    rewrite(
      twice,
      twice.frames.flatMap((frame, index) => (index === 1 ? [frame, frame] : [frame])),
    );
    expect((await check(twice.folder)).problems.map(({ found }) => found)).toContain('a second opening');
  });

  it('are found out when the last frame is cut off, at any byte', async () => {
    const { folder, path, bytes, frames } = copy();
    for (const cut of [1, 8, 100, bytes.length - (frames.at(-1)?.start ?? 0)]) {
      writeFileSync(path, bytes.subarray(0, bytes.length - cut));
      expect((await check(folder)).problems.map(({ found }) => found).join()).toContain('is cut off');
    }
  });

  it('are found out when something stands behind the end', async () => {
    const { folder, file, path, bytes } = copy();
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(3)]));
    expect((await check(folder)).problems).toEqual([
      { session: '', file, offset: bytes.length, found: 'has 3 bytes behind its end' },
    ]);
  });

  it('are found out when a file is gone, renamed, replaced, or new', async () => {
    const gone = copy();
    rmSync(gone.path);
    const { problems } = await check(gone.folder);
    expect(problems).toContainEqual(
      expect.objectContaining({ file: gone.file, found: expect.stringContaining('is missing') }),
    );
    expect(problems).toContainEqual(
      expect.objectContaining({ session: short, found: expect.stringContaining('no journal') }),
    );

    const renamed = copy();
    renameSync(renamed.path, renamed.path.replace('-w0-', '-w7-'));
    expect((await check(renamed.folder)).problems.length).toBeGreaterThan(0);

    const replaced = copy();
    copyFileSync(replaced.path.replace('-w0-', '-w1-'), replaced.path);
    expect((await check(replaced.folder)).problems.length).toBeGreaterThan(0);

    const added = copy();
    writeFileSync(added.path.replace('-w0-0.spj', '-w0-1.spj'), added.bytes);
    writeFileSync(join(journalFolder(added.folder), 'note.txt'), 'hello');
    expect((await check(added.folder)).problems.map(({ found }) => found)).toEqual([
      'is no journal',
      'no leaf closes it, and the run that wrote it has ended',
    ]);
  });
});
