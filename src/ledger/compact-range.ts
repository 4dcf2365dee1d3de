/** A tree that only grows, kept as the roots of its perfect subtrees: at most one hash for each bit of its size. */

import { EMPTY_ROOT, type Hash, hashNode } from './hash.ts';

/** What may be told of each node as it is completed: its level (leaves are 0) and its hash. */
export type NodeSeen = (level: number, hash: Hash) => void;

/** Returns how many perfect subtrees make up a tree of `size` leaves: the ones in its binary form. */
export const subtreeCount = (size: number): number => size.toString(2).replaceAll('0', '').length;

/** The root of a growing list of leaves, in memory that grows with the logarithm of the size. */
export class CompactRange {
  #size: number;
  /** Roots of the perfect subtrees, the largest (leftmost) first. */
  readonly #nodes: Hash[];
  readonly #seen: NodeSeen;

  /** `nodes` are the perfect subtrees of the first `size` leaves, largest first; `seen` is told of each new node. */
  constructor(size = 0, nodes: readonly Hash[] = [], seen: NodeSeen = () => {}) {
    if (nodes.length !== subtreeCount(size)) throw new RangeError(`${nodes.length} subtrees for a tree of ${size}`);
    this.#size = size;
    this.#nodes = [...nodes];
    this.#seen = seen;
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** The perfect subtrees, largest first: what the constructor takes. */
  get nodes(): readonly Hash[] {
    return this.#nodes;
  }

  /** Adds the hash of the next leaf. */
  push(leaf: Hash): void {
    let hash = leaf;
    this.#seen(0, hash);
    // Each trailing one-bit of the size is a left sibling of the same height that waits for this subtree.
    let level = 0;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#nodes.pop();
      if (left === undefined) throw new RangeError('a subtree is missing');
      hash = hashNode(left, hash);
      this.#seen(++level, hash);
    }
    this.#nodes.push(hash);
    this.#size += 1;
  }

  /** Returns the root of the tree (RFC 9162 §2.1.1). */
  root(): Hash {
    return (
      this.#nodes.reduceRight<Hash | null>((right, left) => (right ? hashNode(left, right) : left), null) ?? EMPTY_ROOT
    );
  }
}
