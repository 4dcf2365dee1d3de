/**
 * The first look at a text: marks the places where a match may begin, because what every match of some pattern holds
 * (trigger.ts) stands where it would. A place without a mark begins no match. One pass over the units, one table.
 */

import { FARTHEST, RUN, RUN_UNITS, type Trigger, type UnitsTrigger } from './trigger.ts';
import { OTHER, symbolsIn } from './unit-set.ts';

const SYMBOLS = 1 << 7;
const PAIRS = 1 << 14;
/** How many symbols stand ahead of a piece of text, and behind it, for what looks past its edges. */
export const PAD = 64;
/** Units of the text around the places in question that decide about them. */
export const MARGIN = FARTHEST + 3;

/**
 * What marks places. Two units in a row have a number where some trigger begins with them, and with a third unit another
 * one: that of a set of distances. Bit b of `near` is the place 31 - b units ahead of the first unit, bit b of `far` the
 * place b + 1 units behind it.
 */
export interface Triggers {
  /** By (first << 7 | second); 0: none. */
  readonly byPair: Uint16Array;
  /** By (number of the pair << 7 | third); 0: none. */
  readonly byThird: Uint16Array;
  readonly near: Int32Array;
  readonly far: Int32Array;
  /** The greatest distance from the start of a match to the first unit of what triggers it. */
  readonly reach: number;
  readonly hasRun: boolean;
}

/** What stands around a piece of text. */
interface Edges {
  /** The text begins with the piece. */
  readonly begins: boolean;
  readonly behind: 'more' | 'nothing' | 'unknown';
}

/** The places that some units mark, as bits. */
interface Places {
  readonly near: number;
  readonly far: number;
}

const placesOf = ({ from, to }: UnitsTrigger): Places => {
  let near = 0;
  let far = 0;
  for (let distance = from; distance <= to; distance++) {
    if (distance >= 0) near |= 1 << (FARTHEST - distance);
    else far |= 1 << (-distance - 1);
  }
  return { near, far };
};

/** Gives numbers to what is alike, from 0 on. */
class Numbers<T> {
  readonly all: T[] = [];
  readonly #known = new Map<string, number>();

  of(id: string, make: () => T): number {
    const known = this.#known.get(id) ?? this.all.length;
    if (known === this.all.length) {
      this.#known.set(id, known);
      this.all.push(make());
    }
    return known;
  }
}

/** Returns, for each pair, the number of the set of triggers that begin with it, and those sets. */
const triggersByPair = (triggers: readonly UnitsTrigger[]) => {
  const byPair = new Uint16Array(PAIRS);
  const sets = new Numbers<readonly UnitsTrigger[]>();
  sets.of('', () => []);
  triggers.forEach((trigger, at) => {
    const grown = new Map<number, number>();
    const seconds = symbolsIn(trigger.second);
    for (const first of symbolsIn(trigger.first)) {
      for (const second of seconds) {
        const pair = (first << 7) | second;
        const set = byPair[pair] ?? 0;
        const known = grown.get(set) ?? sets.of(`${set} ${at}`, () => [...(sets.all[set] ?? []), trigger]);
        grown.set(set, known);
        byPair[pair] = known;
      }
    }
  });
  return { byPair, sets: sets.all };
};

/** Returns the tables for these triggers. */
export const compileTriggers = (triggers: readonly Trigger[]): Triggers => {
  const units = [...new Set(triggers)].filter((trigger) => trigger.kind === 'units');
  const { byPair, sets } = triggersByPair(units);
  const used = [0, ...new Set(byPair)].filter((set, at) => at === 0 || set !== 0);
  const numbers = new Map(used.map((set, number) => [set, number]));
  const places = new Numbers<Places>();
  const numberOf = (near: number, far: number): number => places.of(`${near} ${far}`, () => ({ near, far }));
  numberOf(0, 0);
  const byThird = new Uint16Array(used.length * SYMBOLS);
  used.forEach((set, number) => {
    const near = new Int32Array(SYMBOLS);
    const far = new Int32Array(SYMBOLS);
    for (const trigger of sets[set] ?? []) {
      const more = placesOf(trigger);
      for (const third of symbolsIn(trigger.third)) {
        near[third] = (near[third] ?? 0) | more.near;
        far[third] = (far[third] ?? 0) | more.far;
      }
    }
    for (let third = 0; third < SYMBOLS; third++)
      byThird[number * SYMBOLS + third] = numberOf(near[third] ?? 0, far[third] ?? 0);
  });
  return {
    byPair: byPair.map((set) => numbers.get(set) ?? 0),
    byThird,
    near: Int32Array.from(places.all, ({ near }) => near),
    far: Int32Array.from(places.all, ({ far }) => far),
    reach: Math.max(0, ...units.map(({ to }) => to)),
    hasRun: triggers.some(({ kind }) => kind === 'run'),
  };
};

const IN_RUN = new Uint8Array(SYMBOLS);
for (const symbol of symbolsIn(RUN_UNITS)) if (symbol < OTHER) IN_RUN[symbol] = 1;

/** Places ahead of the first one that have bits of their own, so that no pair needs to ask. */
const BEFORE = 64;

/** Marks of some places in a row. */
export class Marks {
  readonly #bits: Int32Array;
  /** Where triggers were met: index among the symbols << 16 | number of what they mark. */
  readonly #hits: Int32Array;

  /** `most`: as many places as there may ever be. */
  constructor(most: number) {
    this.#bits = new Int32Array((most + 2 * BEFORE + 31) >> 5);
    this.#hits = new Int32Array(most);
  }

  /** Returns the first place with a mark from `at` to before `end`, or `end`. */
  next(at: number, end: number): number {
    const bits = this.#bits;
    let place = at + BEFORE;
    for (const last = end + BEFORE; place < last; place = (place | 31) + 1) {
      const rest = (bits[place >> 5] ?? 0) >>> (place & 31);
      if (rest !== 0) return Math.min(place + 31 - Math.clz32(rest & -rest) - BEFORE, end);
    }
    return end;
  }

  /**
   * Marks the places where matches may begin in a piece of text, place 0 at its first unit: `count` of `symbols`, behind PAD
   * others. Places
   * less than MARGIN from an edge that is not the edge of the text are not all marked.
   */
  fill(triggers: Triggers, symbols: Uint8Array, count: number, edges: Edges): void {
    const bits = this.#bits;
    bits.fill(0, 0, (count + 2 * BEFORE + 31) >> 5);
    const { byPair, byThird, near, far } = triggers;
    const from = edges.begins ? 0 : 1;
    const two = this.#markPairs(triggers, symbols, from, count);
    const pair = from < count ? (byPair[two] ?? 0) : 0;
    const last = two & (SYMBOLS - 1);
    if (edges.behind === 'nothing') {
      // Behind the last unit stands no unit, and another one.
      for (const [at, two] of [[count - 2, pair] as const, [count - 1, byPair[(last << 7) | OTHER] ?? 0] as const]) {
        const number = byThird[(two << 7) | OTHER] ?? 0;
        this.#mark(at, near[number] ?? 0, far[number] ?? 0);
      }
    }
    // Whatever may trigger something there begins no farther ahead.
    if (edges.behind === 'unknown') this.markAll(Math.max(0, count - 2 - triggers.reach), count);
    if (triggers.hasRun) this.#markRuns(symbols, count, edges.behind === 'unknown');
  }

  /**
   * Marks what the pairs whose second unit stands from `from` on trigger with the unit behind them, which is one of the
   * `count`, too. Returns the last two units. In two loops, the first without a call: what it works with stays in registers,
   * and it takes a third of the time.
   */
  #markPairs(triggers: Triggers, symbols: Uint8Array, from: number, count: number): number {
    const { byPair, byThird, near, far } = triggers;
    const hits = this.#hits;
    const first = PAD + from;
    const last = PAD + count - 1;
    let met = 0;
    let two = symbols[first - 1] ?? 0;
    for (let at = first; at < last; at++) {
      two = ((two << 7) | (symbols[at] ?? 0)) & (PAIRS - 1);
      const pair = byPair[two] ?? 0;
      if (pair === 0) continue;
      const number = byThird[(pair << 7) | (symbols[at + 1] ?? 0)] ?? 0;
      if (number !== 0) hits[met++] = (at << 16) | number;
    }
    for (let each = 0; each < met; each++) {
      const hit = hits[each] ?? 0;
      this.#mark((hit >> 16) - PAD - 1, near[hit & 0xffff] ?? 0, far[hit & 0xffff] ?? 0);
    }
    return from < count ? ((two << 7) | (symbols[last] ?? 0)) & (PAIRS - 1) : two;
  }

  #mark(first: number, near: number, far: number): void {
    const bits = this.#bits;
    const bit = first - FARTHEST + BEFORE;
    const shift = bit & 31;
    const word = bit >> 5;
    bits[word] = (bits[word] ?? 0) | (near << shift);
    // Shifts by 32 are shifts by 0, so two steps.
    bits[word + 1] = (bits[word + 1] ?? 0) | (far << shift) | ((near >>> 1) >>> (31 - shift));
    bits[word + 2] = (bits[word + 2] ?? 0) | ((far >>> 1) >>> (31 - shift));
  }

  /** Marks the places from `from` to before `to`. */
  markAll(from: number, to: number): void {
    const bits = this.#bits;
    for (let bit = from + BEFORE; bit < to + BEFORE; bit++) bits[bit >> 5] = (bits[bit >> 5] ?? 0) | (1 << (bit & 31));
  }

  /** Looks at the end of each run that would be long enough first: most are none there, and the next may begin behind. */
  #markRuns(symbols: Uint8Array, count: number, open: boolean): void {
    for (let start = 0; start < count; ) {
      let at = Math.min(start + RUN, count) - 1;
      while (at >= start && IN_RUN[symbols[PAD + at] ?? 0] === 1) at -= 1;
      if (at >= start) {
        start = at + 1;
        continue;
      }
      let end = start + RUN;
      while (end < count && IN_RUN[symbols[PAD + end] ?? 0] === 1) end += 1;
      if (end < count) this.markAll(start, end - RUN + 1);
      else this.markAll(start, open ? count : count - RUN + 1);
      start = end + 1;
    }
  }
}
