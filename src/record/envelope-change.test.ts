import { cpSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type DeskHouse, openDeskHouse } from '../../test/record/desk.ts';
import {
  allRows,
  completed,
  durable,
  newFolder,
  oneCall,
  opening,
  recordingKey,
  verifyJournals,
} from '../../test/record/house.ts';
import { ageIdentities, ageRecipient } from './age.ts';
import { openDeeds } from './deed.ts';
import { destroyed, finishWrapping, hashOf, isWrapping, writeEnvelopeIntent } from './envelope-change.ts';
import { envelopeFile, envelopeText, type KeyEnvelope, keyFolder, ROOT, rootParty } from './key-envelope.ts';
import { KeyRing, listEnvelopes } from './key-ring.ts';
import { rewrap } from './rewrap.ts';
import { bodyOf, readSession } from './read-session.ts';
import { SealedSessions } from './sealed-sessions.ts';

const DAY = 86_400_000;

/** Two auditors. */
const people = { ada: { identity: '', recipient: '' }, bob: { identity: '', recipient: '' } };
beforeAll(async () => {
  for (const each of Object.values(people)) {
    each.identity = await generateIdentity();
    each.recipient = await identityToRecipient(each.identity);
  }
});

const fileOf = (folder: string, envelope: KeyEnvelope): string => join(keyFolder(folder), envelopeFile(envelope));
/** Resolves to the size of the ledger once all calls have ended in it and nothing is to be added any more. */
async function quiet({ recorder, recording, ledger }: DeskHouse): Promise<number> {
  recorder.flush();
  await vi.waitFor(() => expect(recording.totals).toMatchObject({ undurable: 0, unsealed: 0 }), 20_000);
  await recording.settle();
  await ledger.checkpoint();
  return ledger.head.size;
}

const problemsOf = async (folder: string, size: number): Promise<readonly string[]> =>
  (await verifyJournals(folder, size)).problems.map(({ file, found }) => `${file} ${found}`);
const problemsIn = async (house: DeskHouse): Promise<readonly string[]> => problemsOf(house.folder, await quiet(house));
const requestOf = async (house: DeskHouse, id: string, identity: string): Promise<string> => {
  const row = (await allRows(house.index)).find((each) => each.id === id);
  if (row === undefined) throw new Error('expected a row');
  const pageKeys = await KeyRing.open(house.folder, recordingKey, ageIdentities(identity));
  return bodyOf(await readSession(row, { folder: house.folder, pageKeys, ledgerSize: 0 }), 'q').toString();
};
const first = ({ pageKeys }: DeskHouse): KeyEnvelope => {
  const [envelope] = pageKeys.envelopes;
  if (envelope === undefined) throw new Error('expected a key');
  return envelope;
};
const wrap = (house: DeskHouse, envelope: KeyEnvelope) =>
  house.desk.run({ kind: 'wrap', envelope: envelopeText(envelope).text, who: 'ada' });

/** A call under a key for Ada that is let go, and another key behind it. */
async function oldKey(): Promise<{ readonly house: DeskHouse; readonly id: string }> {
  const house = await openDeskHouse({ policy: { recipients: [people.ada.recipient], originals: [] } });
  const id = await oneCall(house.recorder, { body: Buffer.from('of old') });
  await letGo(house);
  return { house, id };
}

/** Begins another key, and waits until nothing needs the ones before. */
async function letGo(house: DeskHouse): Promise<void> {
  await house.desk.run({ kind: 'rotate', who: 'ada' });
  const [old] = house.pageKeys.envelopes;
  await vi.waitFor(async () => {
    await oneCall(house.recorder);
    await house.recording.settle();
    expect(house.recording.keysInUse.has(old?.id.slice(0, 16) ?? '')).toBe(false);
  }, 20_000);
  for (const key of house.pageKeys.leaving) await house.pageKeys.drop(key);
}

async function rewrapped(envelope: KeyEnvelope, recipients: readonly string[], identity: string): Promise<KeyEnvelope> {
  const result = await rewrap(envelope, recipients.map(ageRecipient), ageIdentities(identity));
  if (result.kind !== 'changed') throw new Error(`expected another envelope, found ${result.kind}`);
  return result.envelope;
}

describe('a recording key that is wrapped once more', () => {
  it('opens for who joined later, and with its leaf it verifies; without one it is found', async () => {
    const { house, id } = await oldKey();
    const { folder } = house;
    const { ada, bob } = people;
    await expect(requestOf(house, id, bob.identity)).rejects.toThrow('is not at hand');
    const before = first(house);
    const next = await rewrapped(before, [ada.recipient, bob.recipient], ada.identity);
    // what is there for Ada stays as it is
    expect(next.wraps[0]).toEqual(before.wraps[0]);
    writeFileSync(fileOf(folder, before), envelopeText(next).text);
    expect(await problemsIn(house)).toEqual([
      expect.stringMatching(/recording-.*json is not what leaf \d+ commits to$/),
    ]);
    writeFileSync(fileOf(folder, before), envelopeText(before).text);
    expect(await wrap(house, next)).toMatchObject({ kind: 'done' });
    expect(await problemsIn(house)).toEqual([]);
    expect([await requestOf(house, id, bob.identity), await requestOf(house, id, ada.identity)]).toEqual([
      'of old',
      'of old',
    ]);
    expect(house.pageKeys.list()[0]?.to).toEqual([ada.recipient, bob.recipient]);
    writeFileSync(fileOf(folder, before), envelopeText(before).text);
    expect(await problemsIn(house)).toEqual([
      expect.stringMatching(/is what it was before leaf \d+; when the gateway died/),
    ]);
    await house.close();
  });

  it('is no more for who is no recipient any more, and left alone where nothing changes', async () => {
    const { house, id } = await oldKey();
    const { ada, bob } = people;
    expect(await rewrap(first(house), [ageRecipient(ada.recipient)], [])).toEqual({ kind: 'same' });
    expect(await rewrap(first(house), [ageRecipient(bob.recipient)], ageIdentities(bob.identity))).toEqual({
      kind: 'closed',
    });
    expect(await wrap(house, await rewrapped(first(house), [bob.recipient], ada.identity))).toMatchObject({
      kind: 'done',
    });
    await expect(requestOf(house, id, ada.identity)).rejects.toThrow('is not at hand');
    expect(await requestOf(house, id, bob.identity)).toBe('of old');
    await house.close();
  });

  it('is taken by the gateway only where it takes nothing away from who keeps it', async () => {
    const { house } = await oldKey();
    const before = first(house);
    const [own] = before.wraps;
    const other = { to: people.bob.recipient, wrapped: 'AAAA' };
    if (own === undefined) throw new Error('expected a wrap');
    const refused = async (envelope: KeyEnvelope, why: string): Promise<void> => {
      expect(await wrap(house, envelope)).toEqual({ kind: 'refused', why: expect.stringContaining(why) });
    };
    await refused({ ...before, id: 'f'.repeat(64) }, 'no such key');
    await refused({ ...before, kind: 'originals' }, 'of another key');
    await refused({ ...before, made: 1 }, 'of another key');
    await refused({ ...before, wraps: [] }, 'for nobody');
    await refused({ ...before, wraps: [own, other, other] }, 'somebody twice');
    await refused({ ...before, wraps: [other, { ...own, wrapped: 'AAAA' }] }, `what is there for ${own.to}`);
    expect(readFileSync(fileOf(house.folder, before), 'utf8')).toBe(envelopeText(before).text);
    expect(await problemsIn(house)).toEqual([]);
    await house.close();
  });

  it('is for the gateway itself again only where that opens: its next start would end at another', async () => {
    const { house, id } = await oldKey();
    const before = first(house);
    const broken = { ...before, wraps: [...before.wraps, { to: ROOT, wrapped: 'AAAA' }] };
    const why = 'what it has for the gateway does not open';
    expect(await wrap(house, broken)).toEqual({ kind: 'refused', why });
    const stranger = await rootParty(Buffer.alloc(32, 7)).wrap(Buffer.alloc(32, 1), before);
    expect(await wrap(house, { ...before, wraps: [...before.wraps, stranger] })).toEqual({ kind: 'refused', why });
    const other = await rootParty(recordingKey).wrap(Buffer.alloc(32, 1), before);
    expect(await wrap(house, { ...before, wraps: [...before.wraps, other] })).toEqual({ kind: 'refused', why });
    const { ada } = people;
    const good = await rewrap(
      before,
      [ageRecipient(ada.recipient), rootParty(recordingKey)],
      ageIdentities(ada.identity),
    );
    if (good.kind !== 'changed') throw new Error('expected another envelope');
    expect(await wrap(house, good.envelope)).toMatchObject({ kind: 'done' });
    const own = await KeyRing.open(house.folder, recordingKey);
    expect(own.list().find((each) => each.id === before.id)).toMatchObject({ readable: true });
    expect(await requestOf(house, id, ada.identity)).toBe('of old');
    await house.close();
  });

  it('stays with the gateway while calls that are not sealed need it, and is forgotten when it goes to others', async () => {
    const house = await openDeskHouse();
    const long = house.recorder.open(opening());
    await durable(long);
    const result = await rewrap(first(house), [ageRecipient(people.ada.recipient)], [rootParty(recordingKey)]);
    if (result.kind !== 'changed') throw new Error('expected another envelope');
    expect(await wrap(house, result.envelope)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('not sealed'),
    });
    long.close(completed);
    await letGo(house);
    expect(await wrap(house, result.envelope)).toMatchObject({ kind: 'done' });
    expect(house.pageKeys.list()[0]).toMatchObject({ readable: false, to: [people.ada.recipient] });
    expect(await problemsIn(house)).toEqual([]);
    await house.close();
  });
});

describe('a recording key that is destroyed', () => {
  const destroy = (house: DeskHouse, { id }: KeyEnvelope) => house.desk.run({ kind: 'destroy', key: id, who: 'ada' });

  it('opens nothing any more, with a leaf first; all that is left verifies, and reading says why not', async () => {
    const { house, id } = await oldKey();
    const { folder, desk } = house;
    const before = first(house);
    const text = envelopeText(before).text;
    const kept = join(newFolder(), 'link');
    linkSync(fileOf(folder, before), kept);
    const [, newest] = house.pageKeys.envelopes;
    expect(await destroy(house, newest ?? before)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('in use'),
    });
    await desk.run({ kind: 'hold', sid: id, who: 'ada', why: 'a lawsuit' });
    expect(await destroy(house, before)).toEqual({ kind: 'refused', why: `session ${id} is held and needs it` });
    await desk.run({ kind: 'release', sid: id, who: 'ada', why: 'settled' });
    expect(await destroy(house, before)).toMatchObject({ kind: 'done' });
    // not only the name is gone
    expect(readFileSync(kept).every((byte) => byte === 0)).toBe(true);
    expect(await problemsIn(house)).toEqual([]);
    await expect(requestOf(house, id, people.ada.identity)).rejects.toThrow(
      'was destroyed, and with it what was recorded',
    );
    expect(house.pageKeys.list()[0]).toMatchObject({ destroyed: true, to: [] });
    expect(await destroy(house, before)).toMatchObject({ kind: 'refused', why: 'it was destroyed before' });
    expect(await wrap(house, before)).toMatchObject({ kind: 'refused', why: 'it was destroyed' });
    writeFileSync(fileOf(folder, before), text);
    expect(await problemsIn(house)).toEqual([expect.stringMatching(/holds a key that leaf \d+ says was destroyed/)]);
    await house.close();
  });

  it('does not come back under another name, nor by a leaf that says it was made once more', async () => {
    const { house, id } = await oldKey();
    const { folder } = house;
    const before = first(house);
    expect(await destroy(house, before)).toMatchObject({ kind: 'done' });
    const stray = join(keyFolder(folder), 'a.json');
    writeFileSync(stray, envelopeText(before).text);
    expect(await problemsIn(house)).toEqual(['a.json is the file of no recording key']);
    await expect(requestOf(house, id, people.ada.identity)).rejects.toThrow('is not named after the key in it');
    rmSync(stray);
    const made = { of: before.kind, key: before.id, ct: hashOf(before) } as const;
    const who = openDeeds(recordingKey).who('recording.key', 'ada');
    await house.recording.append({ type: 'recording.key', ...made, who });
    writeFileSync(fileOf(folder, before), envelopeText(before).text);
    expect(await problemsIn(house)).toEqual([
      expect.stringMatching(/^ leaf \d+ makes recording-.*, of which leaf \d+ speaks already$/),
      expect.stringMatching(/holds a key that leaf \d+ says was destroyed/),
    ]);
    await house.close();
  });

  it('is not destroyed by a leaf alone, whatever that commits to', async () => {
    const { house } = await oldKey();
    const before = first(house);
    const leaf = { of: before.kind, key: before.id, before: hashOf(before), ct: hashOf(before) } as const;
    const who = openDeeds(recordingKey).who('recording.key.destroyed', 'ada');
    await house.recording.append({ type: 'recording.key.destroyed', ...leaf, who });
    expect(await problemsIn(house)).toEqual([expect.stringContaining('still for somebody, though that destroyed it')]);
    await house.close();
  });

  it('stays when a hold was asked for first, or when it would go to others who may not be able to open it', async () => {
    const { house, id } = await oldKey();
    const before = first(house);
    const [held, gone] = await Promise.all([
      house.desk.run({ kind: 'hold', sid: id, who: 'ada', why: '' }),
      destroy(house, before),
    ]);
    expect([held.kind, gone]).toEqual(['done', { kind: 'refused', why: `session ${id} is held and needs it` }]);
    const other = { to: people.bob.recipient, wrapped: 'AAAA' };
    expect(await wrap(house, { ...before, wraps: [other] })).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('is held and needs it'),
    });
    expect(await wrap(house, { ...before, wraps: [...before.wraps, other] })).toMatchObject({ kind: 'done' });
    await house.close();
  });

  it('stays while a call that is not sealed needs it', async () => {
    const house = await openDeskHouse();
    const long = house.recorder.open(opening());
    await durable(long);
    await house.desk.run({ kind: 'rotate', who: 'ada' });
    expect(await destroy(house, first(house))).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('not sealed'),
    });
    long.close(completed);
    await letGo(house);
    expect(await destroy(house, first(house))).toMatchObject({ kind: 'done' });
    await house.close();
  });

  it('keeps no call for longer because a rule cannot look into it any more', async () => {
    const house = await openDeskHouse();
    const id = await oneCall(house.recorder);
    await letGo(house);
    expect(await destroy(house, first(house))).toMatchObject({ kind: 'done' });
    await quiet(house);
    const rule = { name: 'ml', services: [], groups: ['ml'], findings: [], keep: 10 * DAY };
    await house.retention({ rules: [rule], keep: DAY }, 2 * DAY).pass();
    expect(house.log.lines).not.toContainEqual(expect.stringContaining('cannot be read'));
    const left = (await house.rows()).map((row) => row.id);
    expect(left).not.toContain(id);
    // under a key that is there, the rule keeps calls of the group
    expect(left.length).toBeGreaterThan(0);
    await house.close();
  });

  it('of originals stays while a call of its time is held', async () => {
    const { ada } = people;
    const house = await openDeskHouse({ policy: { recipients: [], originals: [ada.recipient] } });
    const id = await oneCall(house.recorder);
    await letGo(house);
    const originals = house.pageKeys.envelopes.find(({ kind }) => kind === 'originals') ?? first(house);
    await house.desk.run({ kind: 'hold', sid: id, who: 'ada', why: '' });
    expect(await destroy(house, originals)).toMatchObject({ kind: 'refused', why: expect.stringContaining('is held') });
    await house.desk.run({ kind: 'release', sid: id, who: 'ada', why: '' });
    expect(await destroy(house, originals)).toMatchObject({ kind: 'done' });
    await house.close();
  });

  it.each([
    ['finished', true],
    ['forgotten', false],
  ])('is %s by the next start when the gateway dies in between', async (_, hasLeaf) => {
    const { house } = await oldKey();
    const before = first(house);
    const next = destroyed(before);
    const { text, ct } = envelopeText(next);
    await writeEnvelopeIntent(house.folder, { text, from: house.ledger.size });
    const leaf = { of: before.kind, key: before.id, before: hashOf(before), ct } as const;
    const who = openDeeds(recordingKey).who('recording.key.destroyed', 'ada');
    if (hasLeaf) await house.recording.append({ type: 'recording.key.destroyed', ...leaf, who });
    const size = await quiet(house);
    const folder = newFolder();
    cpSync(house.folder, folder, { recursive: true });
    const mend = expect.stringMatching(/says was destroyed; when the gateway died there, its next start mends it/);
    expect(await problemsOf(folder, size)).toEqual(hasLeaf ? [mend] : []);
    expect(await isWrapping(folder)).toBe(true);
    await finishWrapping(folder, size);
    expect(await isWrapping(folder)).toBe(false);
    expect(listEnvelopes(folder)[0]).toEqual(hasLeaf ? next : before);
    expect(await problemsOf(folder, size)).toEqual([]);
    await house.close();
  });
});

describe('leaves about keys', () => {
  const hash = (letter: string): string => letter.repeat(64);
  const common = { v: 1, ts: 1, inst: '0123456789abcdef', iseq: 0, of: 'recording', key: hash('a'), who: '' } as const;
  const made = { ...common, type: 'recording.key', ct: hash('1') } as const;
  const changed = (before: string, ct: string) =>
    ({ ...common, type: 'recording.key.wrapped', before: hash(before), ct: hash(ct) }) as const;
  const gone = { ...changed('1', '2'), type: 'recording.key.destroyed' } as const;

  it.each([
    ['change the one that is there', [made, changed('1', '2'), changed('2', '3')], ''],
    ['change one that nobody made', [changed('1', '2')], 'leaf 0 changes recording-'],
    [
      'change another than is there',
      [made, changed('1', '2'), changed('1', '3')],
      'but not the one that leaf 1 commits to',
    ],
    ['wrap what was destroyed', [made, gone, changed('2', '3')], 'which leaf 1 destroyed'],
  ])('tell when they %s', (_, leaves, problem) => {
    const sealed = new SealedSessions();
    for (const [number, leaf] of leaves.entries()) sealed.add(number, leaf);
    expect(sealed.problems).toEqual(problem === '' ? [] : [expect.stringContaining(problem)]);
  });
});
