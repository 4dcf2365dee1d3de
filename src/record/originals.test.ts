import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDeskHouse } from '../../test/record/desk.ts';
import {
  allRows,
  completed,
  durable,
  type House,
  opening,
  openHouse,
  recordingKey,
  verifyJournals,
} from '../../test/record/house.ts';
import { ageIdentities } from './age.ts';
import { decryptFrame } from './frame.ts';
import { KeyRing, originalsStart } from './key-ring.ts';
import { bodyOf, originalSession, readSession, requestOf, storedSession } from './read-session.ts';
import { readId } from './session-id.ts';

const SECRET = 'anna@example.com';
let identity: string;
let recipient: string;

beforeAll(async () => {
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

const policy = () => ({ recipients: [], originals: [recipient] });

/** A call in which both ways something is masked. */
async function maskedCall(house: House, size = 1): Promise<string> {
  const body = Buffer.from(`from ${SECRET} ${'x'.repeat(size)}`);
  const forwarded = Buffer.from(`from <EMAIL> ${'x'.repeat(size)}`);
  const session = house.recorder.open(opening({ body, forwarded }));
  await durable(session);
  for (const piece of ['to ', SECRET.slice(0, 5), `${SECRET.slice(5)} `, 'y'.repeat(size)]) {
    expect(session.original(Buffer.from(piece))).toBe(true);
  }
  session.bytes(Buffer.from('to <EMAIL>'));
  session.close(completed);
  return session.id;
}

const rowOf = async (house: House, id: string) => {
  const row = (await allRows(house.index)).find((each) => each.id === id);
  if (row === undefined) throw new Error('expected a row');
  return row;
};

/** Everything in files below a folder. */
const disk = (folder: string): readonly Buffer[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path));

describe('originals', () => {
  it.each([1, 300_000])(
    'cannot be read with the whole disk and all keys of the gateway, and by the auditor can (%d bytes)',
    async (size) => {
      const house = await openHouse({ policy: policy() });
      const id = await maskedCall(house, size);
      await house.recorder.close();
      await house.recording.close();
      const { folder } = house;
      const row = await rowOf(house, id);
      const pageKeys = await KeyRing.open(folder, recordingKey);
      const { frames, keys } = storedSession(row, { folder, pageKeys });
      const opened = frames.map((frame) => decryptFrame(frame, keys));
      for (const bytes of [...disk(folder), ...opened]) expect(bytes.includes(SECRET)).toBe(false);
      // what is there instead
      const session = await readSession(row, { folder, pageKeys, ledgerSize: house.ledger.head.size });
      expect(session.seal).toEqual({ kind: 'sealed' });
      expect(requestOf(session).toString()).toMatch(/^from <EMAIL> x/);
      expect(bodyOf(session, 'q')).toHaveLength(0);

      const sid = readId(id) ?? Buffer.alloc(0);
      const start = (key: string) => originalsStart(folder, key, ageIdentities(identity));
      const original = await originalSession(session, sid, start);
      expect(bodyOf(original, 'q').toString()).toBe(`from ${SECRET} ${'x'.repeat(size)}`);
      expect(bodyOf(original, 'd').toString()).toBe(`to ${SECRET} ${'y'.repeat(size)}`);
      expect(original.events.map(({ code }) => code).slice(0, 3)).toEqual(['o', 'c', 'q']);
      expect(original.events.at(-1)?.code).toBe('x');
      const others = ageIdentities(await generateIdentity());
      await expect(originalSession(session, sid, (key) => originalsStart(folder, key, others))).rejects.toThrow(
        'is not for this identity',
      );
      // neither does another session's id open them
      await expect(originalSession(session, Buffer.alloc(16), start)).rejects.toThrow('authenticate');
      await house.ledger.close();
      await house.index.close();
    },
  );

  it('are under a key of their own in each session', async () => {
    const house = await openHouse({ policy: policy() });
    const [one, two] = [await maskedCall(house), await maskedCall(house)];
    await house.recorder.close();
    await house.recording.close();
    const { folder, pageKeys } = house;
    const start = (key: string) => originalsStart(folder, key, ageIdentities(identity));
    const sealed = await Promise.all(
      [one, two].map(async (id) => {
        const session = await readSession(await rowOf(house, id), { folder, pageKeys, ledgerSize: 0 });
        const original = await originalSession(session, readId(id) ?? Buffer.alloc(0), start);
        expect(bodyOf(original, 'd').toString()).toContain(SECRET);
        return Buffer.concat(
          session.events.flatMap(({ code, payload }) => (code === 'Q' && Buffer.isBuffer(payload) ? [payload] : [])),
        );
      }),
    );
    expect(sealed[0]?.equals(sealed[1] ?? Buffer.alloc(0))).toBe(false);
    await house.ledger.close();
    await house.index.close();
  });

  it('are erased with their session, for the auditor too', async () => {
    const first = await openHouse({ policy: policy() });
    const id = await maskedCall(first);
    await first.close();
    const house = await openDeskHouse({ folder: first.folder, policy: policy() });
    const row = await rowOf(house, id);
    await house.desk.run({ kind: 'erase', sid: id, who: 'ada', why: '' });
    await house.close();
    const pageKeys = await KeyRing.open(first.folder, recordingKey, ageIdentities(identity));
    await expect(readSession(row, { folder: first.folder, pageKeys, ledgerSize: 0 })).rejects.toThrow();
    expect((await verifyJournals(first.folder, house.ledger.head.size)).problems).toEqual([]);
  });

  it('count towards the bound of a session: beyond it nothing is kept silently', async () => {
    const refusing = await openHouse({ policy: policy(), maxSession: 100 });
    const session = refusing.recorder.open(opening({ body: null }));
    expect(session.original(Buffer.alloc(60))).toBe(true);
    expect(session.bytes(Buffer.alloc(30))).toBe(true);
    expect(session.original(Buffer.alloc(20))).toBe(false);
    expect(session.bytes(Buffer.alloc(20))).toBe(false);
    session.close(completed);
    await refusing.close();

    const house = await openHouse({ policy: policy(), maxSession: 100, over: 'truncate' });
    const cut = house.recorder.open(opening({ body: null }));
    expect(cut.original(Buffer.alloc(200))).toBe(true);
    cut.close(completed);
    await house.recorder.close();
    await house.recording.close();
    const { folder, pageKeys } = house;
    const read = await readSession(await rowOf(house, cut.id), { folder, pageKeys, ledgerSize: 0 });
    expect(read.events.find(({ code }) => code === 'm')?.payload).toBe('an original of 200 bytes is not recorded');
    await house.ledger.close();
    await house.index.close();
  });

  it('are not kept unless somebody is named for them', async () => {
    const house = await openHouse();
    const id = await maskedCall(house);
    await house.recorder.close();
    await house.recording.close();
    const { folder, pageKeys } = house;
    const session = await readSession(await rowOf(house, id), { folder, pageKeys, ledgerSize: 0 });
    expect(session.events.some(({ code }) => code === 'Q' || code === 'D' || code === 'k')).toBe(false);
    expect(bodyOf(session, 'q').toString()).toContain(SECRET);
    await house.ledger.close();
    await house.index.close();
  });

  it('that were changed on the disk do not open', async () => {
    const house = await openHouse({ policy: policy() });
    const id = await maskedCall(house);
    await house.recorder.close();
    await house.recording.close();
    const { folder, pageKeys } = house;
    const session = await readSession(await rowOf(house, id), { folder, pageKeys, ledgerSize: 0 });
    const events = session.events.map((event) => {
      if (event.code !== 'D' || !Buffer.isBuffer(event.payload)) return event;
      const payload = Buffer.from(event.payload);
      payload[6] = (payload[6] ?? 0) ^ 1;
      return { ...event, payload };
    });
    const start = (key: string) => originalsStart(folder, key, ageIdentities(identity));
    await expect(originalSession({ ...session, events }, readId(id) ?? Buffer.alloc(0), start)).rejects.toThrow();
    await house.ledger.close();
    await house.index.close();
  });
});
