import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { newFolder, oneCall, openHouse, recordingKey, signer, verifyJournals } from '../../test/record/house.ts';
import { openLog } from '../ledger/log.ts';
import { keyFolder } from './key-envelope.ts';
import { KeyRing } from './key-ring.ts';
import { noteMade, untoldKeys } from './made-keys.ts';

const NO_RECIPIENTS = { recipients: [], originals: [] };
let folder: string;

beforeEach(async () => {
  folder = newFolder();
  const house = await openHouse({ folder });
  await oneCall(house.recorder);
  await house.close();
});

const untold = async (): Promise<readonly { readonly key: string }[]> => {
  const ledger = await openLog({ dir: folder, signer });
  const keys = await untoldKeys(folder, ledger);
  await ledger.close();
  return keys;
};

/** Makes a key as a gateway does that dies before it tells of it; returns the file of its envelope. */
const makeUntold = async (): Promise<string> => {
  const before = readdirSync(keyFolder(folder));
  await (await KeyRing.open(folder, recordingKey)).rotate(NO_RECIPIENTS, Date.now());
  const file = readdirSync(keyFolder(folder)).find((each) => each.endsWith('.json') && !before.includes(each));
  if (file === undefined) throw new Error('expected a new envelope');
  return file;
};

describe('a key that was made', () => {
  it('is told of at once, and then not again', async () => {
    expect(await untold()).toEqual([]);
    expect(readdirSync(join(folder, 'making')).filter((name) => name !== 'aside')).toEqual([]);
  });

  it('is told of by the next run where the one that made it died, and is missed from then on', async () => {
    const file = await makeUntold();
    expect(await untold()).toMatchObject([{ kind: 'recording', file }]);
    const house = await openHouse({ folder });
    await house.close();
    expect(await untold()).toEqual([]);
    const { size } = house.ledger;
    expect((await verifyJournals(folder, size)).problems).toEqual([]);
    rmSync(join(keyFolder(folder), file));
    expect((await verifyJournals(folder, size)).problems).toMatchObject([
      { file, found: expect.stringContaining('is missing: it holds the key') },
    ]);
  });

  it('is forgotten where the run died before there was an envelope', async () => {
    await noteMade(folder, { kind: 'recording', key: '00'.repeat(32), ct: '11'.repeat(32), file: 'a.json' });
    expect(await untold()).toEqual([]);
    expect(readdirSync(join(folder, 'making')).filter((name) => name !== 'aside')).toEqual([]);
  });
});
