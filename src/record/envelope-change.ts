/**
 * Changes of recording keys that are there already: wrapped for others, or for nobody, which destroys them. As with
 * erasing (erase-intent.ts) what is about to happen is written down, then its leaf, then the file: when the gateway dies
 * in between, its next start finishes what a leaf promised, and forgets what none did.
 */

import { hash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere, writeDurably } from '../ledger/durable.ts';
import { envelopeFile, envelopeText, type KeyEnvelope, keyFolder, readEnvelope } from './key-envelope.ts';
import { Intents } from './intents.ts';
import { findLeaf } from './ledger-leaves.ts';

const schema = z.strictObject({
  /** The text of the envelope that takes the place of the one there is. */
  text: z.string(),
  /** The leaf has this number or a larger one. */
  from: z.int().min(0),
});

/** A change that is about to happen. */
export type EnvelopeIntent = z.output<typeof schema>;

const intents = new Intents<EnvelopeIntent>('wrapping', schema, ({ text }) => envelopeFile(readEnvelope(text)));

/** Writes an intent down, durably. */
export const writeEnvelopeIntent = (folder: string, intent: EnvelopeIntent): Promise<void> =>
  intents.write(folder, intent);

/** Does what an intent says, and forgets it. Its leaf is durable. */
export async function fulfilEnvelope(folder: string, intent: EnvelopeIntent): Promise<void> {
  await replaceEnvelope(keyFolder(folder), envelopeFile(readEnvelope(intent.text)), intent.text);
  await intents.forget(folder, intent);
}

/** Puts a text in the place of a file and overwrites what stood there: a name that is gone leaves its bytes on the disk. */
async function replaceEnvelope(root: string, file: string, text: string): Promise<void> {
  const path = join(root, file);
  const before = await readIfThere(path);
  if (before !== null && Buffer.from(before).toString('utf8') === text) return;
  const old = before === null ? null : await open(path, 'r+');
  try {
    const aside = join(root, 'aside');
    await mkdir(aside, { recursive: true, mode: 0o700 });
    await writeDurably(root, aside, [{ path: file, bytes: text }]);
    // the name leads to the new file by now
    await old?.write(Buffer.alloc(before?.length ?? 0), 0, before?.length ?? 0, 0);
    await old?.datasync();
  } finally {
    await old?.close();
  }
}

/** True when an earlier run was about to change an envelope. */
export const isWrapping = (folder: string): Promise<boolean> => intents.any(folder);

/** Finishes what an earlier run began. `size` is that of the published checkpoint, which is over all leaves. */
export async function finishWrapping(folder: string, size: number): Promise<void> {
  for (const intent of await intents.list(folder)) {
    const ct = hash('sha256', intent.text, 'hex');
    const promised = await findLeaf(folder, intent.from, size, (leaf) => 'before' in leaf && leaf.ct === ct);
    if (promised === null) await intents.forget(folder, intent);
    else await fulfilEnvelope(folder, intent);
  }
}

/** Returns why an envelope may not take the place of another; empty when it may. */
export function misfit(before: KeyEnvelope, next: KeyEnvelope): string {
  if (next.kind !== before.kind || next.id !== before.id || next.made !== before.made) return 'it is of another key';
  if (next.wraps.length === 0) return 'it is for nobody';
  if (new Set(next.wraps.map(({ to }) => to)).size < next.wraps.length) return 'it names somebody twice';
  // nobody may take a key away from who keeps it, by something in its place that does not open
  const kept = new Map(before.wraps.map((wrap) => [wrap.to, wrap]));
  const changed = next.wraps.find(({ to, wrapped, log }) => {
    const old = kept.get(to);
    return old !== undefined && (old.wrapped !== wrapped || old.log !== log);
  });
  return changed === undefined ? '' : `it changes what is there for ${changed.to}`;
}

/** Returns the envelope of a key that nobody can open any more. */
export const destroyed = (envelope: KeyEnvelope): KeyEnvelope => ({ ...envelope, wraps: [] });

/** Returns the hash of an envelope, as leaves carry it. */
export const hashOf = (envelope: KeyEnvelope): string => envelopeText(envelope).ct;
