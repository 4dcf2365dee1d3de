/** Numbers of leaves that are in the ledger already, found by what they are about. */

import { decodeLeaf, type Leaf, type LeafBody } from '../ledger/leaf.ts';
import { readLeaves } from './ledger-leaves.ts';

/** What a run of the gateway left in the ledger from some leaf on. */
export interface KnownLeaves {
  /** Returns the number of the leaf about the same thing, or -1. Leaves that nobody looks up are not known. */
  number(body: LeafBody): number;
  /** Runs of the gateway that began among these leaves. */
  readonly instances: ReadonlySet<string>;
  /** Erasures among these leaves. */
  readonly erased: readonly Erasure[];
}

/** Sessions whose keys were destroyed, as a leaf tells it. */
export interface Erasure {
  readonly leaf: number;
  readonly at: number;
  readonly rule: string;
  readonly sids: readonly string[];
}

/** Returns the leaves of the ledger in a data folder from number `from` up to `size`, a published one. */
export async function knownLeaves(folder: string, from: number, size: number): Promise<KnownLeaves> {
  const numbers = new Map<string, number>();
  const instances = new Set<string>();
  const erased: Erasure[] = [];
  let number = from;
  for await (const bytes of readLeaves(folder, from, size)) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known') note(read.leaf, number, numbers, instances);
    if (read.kind === 'known' && read.leaf.type === 'content.erased') {
      const { ts: at, rule, sids } = read.leaf;
      erased.push({ leaf: number, at, rule, sids });
    }
    number++;
  }
  return { number: (body) => numbers.get(subject(body)) ?? -1, instances, erased };
}

function note(leaf: Leaf, number: number, numbers: Map<string, number>, instances: Set<string>): void {
  if (leaf.type === 'gateway.start') instances.add(leaf.inst);
  const about = subject(leaf);
  if (about !== '') numbers.set(about, number);
}

/** What a leaf is about, in one word; empty for leaves that are never looked up. */
function subject(leaf: LeafBody): string {
  if (leaf.type === 'session.start') return `start ${leaf.sid}`;
  if (leaf.type === 'session.end' || leaf.type === 'session.recovered') return `end ${leaf.sid}`;
  return leaf.type === 'refused' ? `refused ${leaf.ct} ${leaf.src} ${leaf.reason}` : '';
}
