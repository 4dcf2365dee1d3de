/** Whether time-stamps in a log are over its checkpoints, and what they say of the times of leaves. */

import type { Checkpoint } from './checkpoint.ts';
import type { Leaf } from './leaf.ts';
import { malformedMessage } from './malformed.ts';
import type { Found, Stamped } from './report.ts';
import { decodeBase64 } from './text.ts';
import { type Authority, type Stamp, stampedHash, verifyTimestamp } from './timestamp.ts';
import type { ClockChecks } from './verify-clock.ts';

/** What a leaf says that carries a time-stamp. */
export type StampLeaf = Leaf & { readonly type: 'checkpoint.stamped' };

/** How many checkpoints are remembered for a stamp that comes later. */
const REMEMBERED = 8192;

interface Seen {
  readonly root: string;
  /** The latest time of a leaf under it. */
  readonly latest: number;
}

/** Resolves to what the token of a leaf says. Rejects with Malformed when it is not one over that checkpoint. */
export async function openStamp(
  { size, root, token }: Pick<StampLeaf, 'size' | 'root' | 'token'>,
  origin: string,
  authorities: readonly Authority[],
): Promise<Stamp> {
  const hash = stampedHash({ origin, size, root: decodeBase64(root) });
  let why: unknown = null;
  for (const authority of authorities) {
    try {
      return await verifyTimestamp(decodeBase64(token), { hash, nonce: null }, authority);
    } catch (error) {
      malformedMessage(error);
      why ??= error;
    }
  }
  throw why;
}

/** How far the checks of stamps have come: what another run goes on from. */
export interface StampsState {
  /** The checkpoints that are remembered: size, root, and the latest time of a leaf under it. */
  readonly seen: readonly (readonly [number, string, number])[];
  readonly stamped: readonly Stamped[];
}

/** Where they begin. */
const NO_STAMPS: StampsState = { seen: [], stamped: [] };

/** Checks the stamps of a log. Takes checkpoints and leaves in order. */
export class StampChecks {
  readonly #found: Found;
  readonly #origin: string;
  readonly #authorities: readonly Authority[];
  readonly #clock: ClockChecks;
  readonly #checkpoints = new Map<number, Seen>();
  /** What each authority has stamped last. */
  readonly stamped: Map<string, Stamped>;

  constructor(
    found: Found,
    origin: string,
    authorities: readonly Authority[],
    clock: ClockChecks,
    from: StampsState = NO_STAMPS,
  ) {
    for (const [size, root, latest] of from.seen) this.#checkpoints.set(size, { root, latest });
    this.stamped = new Map(from.stamped.map((each) => [each.by, each]));
    this.#found = found;
    this.#origin = origin;
    this.#authorities = authorities;
    this.#clock = clock;
  }

  /** Returns how far it has come. */
  get state(): StampsState {
    const seen = [...this.#checkpoints].map(([size, { root, latest }]) => [size, root, latest] as const);
    return { seen, stamped: [...this.stamped.values()] };
  }

  /** Takes a checkpoint of the log, all leaves under which were seen. */
  checkpoint({ size, root }: Checkpoint): void {
    if (this.#authorities.length === 0) return;
    this.#checkpoints.set(size, { root: root.toBase64(), latest: this.#clock.latest });
    const [oldest] = this.#checkpoints.keys();
    if (this.#checkpoints.size > REMEMBERED && oldest !== undefined) this.#checkpoints.delete(oldest);
  }

  /** Takes a leaf with a stamp; resolves when it was checked. Without authorities nothing is said of it. */
  async leaf(index: number, leaf: StampLeaf): Promise<void> {
    if (this.#authorities.length === 0) return;
    const seen = this.#checkpoints.get(leaf.size);
    if (seen?.root !== leaf.root) {
      return this.#problem(index, `is over a checkpoint of size ${leaf.size} that this log does not have`);
    }
    try {
      const { at, by } = await openStamp(leaf, this.#origin, this.#authorities);
      this.#clock.stamped(`the authority ${by}`, at, seen.latest, leaf.size);
      this.stamped.set(by, { by, at, size: leaf.size });
    } catch (error) {
      this.#problem(index, `has a time-stamp of which ${malformedMessage(error)}`);
    }
  }

  #problem(index: number, message: string): void {
    this.#found.problem('timestamp', `leaf ${index}`, message);
  }
}
