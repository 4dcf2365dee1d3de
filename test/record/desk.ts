/** An open house with a desk: what tests of erasing and retention share. */

import { openHolds } from '../../src/store/holds.ts';
import { indexWriter } from '../../src/store/sessions.ts';
import { openState } from '../../src/store/sqlite.ts';
import { openDesk, type Desk } from '../../src/record/evidence-desk.ts';
import { openDeeds } from '../../src/record/deed.ts';
import { changeKeys } from '../../src/record/key-change.ts';
import { Retention } from '../../src/record/retention.ts';
import type { RetentionRules } from '../../src/record/retention-rules.ts';
import { type House, type HouseOptions, openHouse, policyOf, recordingKey } from './house.ts';

/** A house whose recordings can be erased. */
export interface DeskHouse extends House {
  readonly desk: Desk;
  /** Retention by these rules, not started, at a time so many ms from now. */
  retention(rules: RetentionRules, later: number): Retention;
}

/** Resolves to an open house with its desk. */
export async function openDeskHouse(options: HouseOptions = {}): Promise<DeskHouse> {
  const house = await openHouse(options);
  const { folder, ledger, index, recording, log, pageKeys } = house;
  const state = openState<unknown>(folder);
  openHolds(state.raw);
  const writer = indexWriter(index.raw);
  const append = recording.append.bind(recording);
  const deeds = openDeeds(recordingKey);
  const rotateKey = async (who: string): Promise<number> => {
    const leaf = await changeKeys({ ring: pageKeys, deeds, append, now: Date.now }, policyOf(options), who);
    recording.rotate();
    return leaf;
  };
  const desk = openDesk({
    folder,
    recordingKey,
    append,
    ledger,
    index,
    writer,
    state,
    now: Date.now,
    rotateKey,
    ring: pageKeys,
    keysInUse: () => recording.keysInUse,
  });
  return {
    ...house,
    desk,
    retention: (rules, later) =>
      new Retention({
        ...desk,
        folder,
        pageKeys,
        rules,
        log,
        now: () => Date.now() + later,
        rotate: () => recording.rotate(),
        forgetRefusals: (at) => writer.forgetRefusals(at),
      }),
    async close() {
      await house.close();
      await state.close();
    },
  };
}
