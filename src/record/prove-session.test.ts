import { beforeAll, describe, expect, it } from 'vitest';
import { completed, durable, type House, oneCall, opening, openHouse, signer } from '../../test/record/house.ts';
import { generateSigner, parseSigner } from '../ledger/note-key.ts';
import { encodeSessionProof, type SessionProof } from '../ledger/session-proof.ts';
import { verifySession } from '../ledger/verify-session.ts';
import type { SessionRow } from '../store/sessions.ts';
import { proveSession } from './prove-session.ts';
import { readProven } from './read-session.ts';

let house: House;
/** A short call, one of more frames than a leaf lists, and one more beside them. */
let short: SessionProof;
let long: SessionProof;
let other: SessionProof;
let rows: readonly SessionRow[];

const prove = (id: string, withKey = true): Promise<SessionProof> => {
  const row = rows.find((each) => each.id === id);
  if (row === undefined) throw new Error('expected a row');
  return proveSession(row, { folder: house.folder, pageKeys: house.pageKeys, withKey });
};

const verify = (proof: SessionProof) =>
  verifySession(Buffer.from(encodeSessionProof(proof)), { keys: [signer.verifier] });

const problemsOf = async (proof: SessionProof): Promise<readonly string[]> => (await verify(proof)).problems;

beforeAll(async () => {
  house = await openHouse();
  const first = await oneCall(house.recorder);
  const stream = house.recorder.open(opening({ at: Date.now() + 1 }));
  await durable(stream);
  for (let n = 0; n < 70; n++) stream.bytes(Buffer.alloc(64 * 1024, n));
  stream.close(completed);
  const second = await oneCall(house.recorder, { at: Date.now() + 2 });
  for (let n = 0; n < 300; n++) await oneCall(house.recorder, { at: Date.now() + 3 });
  await house.close();
  const again = await openHouse({ folder: house.folder });
  rows = await again.rows();
  await again.close();
  [short, long, other] = [await prove(first), await prove(stream.id), await prove(second)];
});

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe('the proof of a session', () => {
  it('proves what was recorded, and shows it', async () => {
    for (const proof of [short, long, other]) {
      const report = await verify(proof);
      expect(report.problems).toEqual([]);
      expect(report).toMatchObject({ ok: true, session: proof.session, end: { reason: 'completed' } });
      const { opening: opened, ending } = readProven(report.content ?? []);
      expect(opened.caller?.subject).toBe('ada');
      expect(ending?.reason).toBe('completed');
    }
    expect(long.frames.length).toBeGreaterThan(65);
  });

  it('proves without the key that these bytes were recorded, and shows nothing of them', async () => {
    const closed = await prove(short.session, false);
    expect(await verify(closed)).toMatchObject({ ok: true, content: null, start: { service: 'llm' } });
    expect(encodeSessionProof(closed)).not.toMatch(/idp\.example|"key": "/);
  });

  it.each([0, 1, 65])('promise 7: names frame %i when one byte of it was changed', async (at) => {
    const frames = long.frames.with(at, flipped(long.frames[at] ?? new Uint8Array(1), 30));
    expect((await problemsOf({ ...long, frames })).join()).toMatch(/^frame/);
    const few = short.frames.map((frame, n) => (n === Math.min(at, 1) ? flipped(frame, 40) : frame));
    expect((await problemsOf({ ...short, frames: few })).join()).toMatch(`frame ${Math.min(at, 1)}`);
  });

  it('promise 7: finds frames that were dropped, added, reordered or taken from another session', async () => {
    const [opened, ...later] = long.frames;
    const list = (frames: readonly (Uint8Array | undefined)[]) =>
      problemsOf({ ...long, frames: frames.filter((frame) => frame !== undefined) });
    expect(await list([opened, ...later.slice(0, -1)])).not.toEqual([]);
    expect(await list([opened, ...later, later.at(-1)])).not.toEqual([]);
    expect(await list([opened, later[1], later[0], ...later.slice(2)])).not.toEqual([]);
    expect(await list([])).not.toEqual([]);
    expect(await problemsOf({ ...short, frames: other.frames })).not.toEqual([]);
    expect(await problemsOf({ ...short, frames: [short.frames[0]!, ...other.frames.slice(1)] })).not.toEqual([]);
  });

  it('finds leaves that are not under the checkpoint, or about something else', async () => {
    const [start, end] = short.leaves;
    if (start === undefined || end === undefined) throw new Error('expected two leaves');
    const text = Buffer.from(end.leaf).toString().replace('completed', 'caller-left');
    for (const leaves of [
      [{ ...start, index: start.index + 1 }, end],
      [{ ...start, path: start.path.slice(1) }, end],
      [{ ...start, path: start.path.map((hash, at) => (at === 0 ? flipped(hash, 0) : hash)) }, end],
      [start, { ...end, leaf: Buffer.from(text) }],
      [end, start],
      [start, start],
      [start, ...other.leaves.slice(1)],
      [start, end, end],
      [start],
      [],
    ]) {
      expect(await problemsOf({ ...short, leaves }), JSON.stringify(leaves.map(({ index }) => index))).not.toEqual([]);
    }
  });

  it('finds that the proof is of another session than it says', async () => {
    expect(await problemsOf({ ...short, session: other.session })).toEqual([
      `leaves: one is about session ${short.session}`,
    ]);
  });

  it('finds a checkpoint that was changed, or that another key has signed', async () => {
    const changed = Buffer.from(
      Buffer.from(short.checkpoint)
        .toString()
        .replace(/\n(\d+)\n/, '\n1\n'),
    );
    expect(await problemsOf({ ...short, checkpoint: changed })).toEqual([expect.stringMatching(/^checkpoint: /)]);
    const stranger = parseSigner(generateSigner(signer.verifier.name)).verifier;
    const report = await verifySession(Buffer.from(encodeSessionProof(short)), { keys: [stranger] });
    expect(report.problems).toEqual(['checkpoint: no signature by a known key']);
  });

  it('promise 7: finds a key under which the same frames would say something else', async () => {
    expect(await problemsOf({ ...short, key: other.key })).toEqual(['key: not the one that the ledger commits to']);
  });

  it.each(['', '{}', 'null', '[]', '{"kind":"sallyport session proof"}'])('refuses %j', async (text) => {
    const report = await verifySession(Buffer.from(text), { keys: [signer.verifier] });
    expect(report.problems).toEqual([expect.stringMatching(/^the proof: /)]);
  });

  it('refuses a proof with a member too many, or bytes that have a second spelling', async () => {
    const text = encodeSessionProof(short);
    for (const other of [text.replace('"v": 1', '"v": 1, "note": ""'), text.replace('"v": 1', '"v": 2')]) {
      expect((await verifySession(Buffer.from(other), { keys: [signer.verifier] })).ok).toBe(false);
    }
  });

  it('is not made of a session whose end is not under a checkpoint', async () => {
    const row = rows.find(({ id }) => id === short.session)!;
    const options = { folder: house.folder, pageKeys: house.pageKeys, withKey: true };
    await expect(proveSession({ ...row, end_leaf: -1 }, options)).rejects.toThrow('it has not ended');
    await expect(proveSession({ ...row, end_leaf: 1e6 }, options)).rejects.toThrow('not in a published checkpoint');
  });
});
