/**
 * A pattern as a deterministic automaton: it reads each unit once, whatever the pattern and whatever the text. Patterns
 * that operators write run on it: on V8's own expressions a bad one takes time without bound (`(?:a?){30}a{30}`).
 *
 * It is built whole when the pattern is compiled, by the subset construction: each state is the list of the places in the
 * pattern that a backtracking matcher could be at, in the order in which it would try them, so that both say the same
 * (the first alternative, the longest repeat). A pattern with too many states is refused. The state at the end of a
 * buffer also says whether more text may change the answer.
 */

import { type Alphabet, alphabetOf } from './alphabet.ts';
import { widthOf } from './shape.ts';
import type { Node } from './syntax.ts';

/** States times classes of units, four bytes each: 4 MiB. */
const MOST_CELLS = 2 ** 20;
/** Steps from place to place while the table is made: half a second. */
const MOST_STEPS = 2 ** 21;
/** Places in a pattern whose repeats are written out. */
const MOST_PLACES = 2 ** 16;

const AMBIGUOUS = 'it is too ambiguous: fewer or shorter repeats of what overlaps would help';

/** A place in a pattern; `next` is where it leads. */
type Place =
  | { readonly kind: 'unit'; readonly set: string; readonly next: number }
  | { readonly kind: 'fork'; readonly ways: readonly number[] }
  /** A unit ahead or behind that must, or must not, be in the set. */
  | {
      readonly kind: 'look';
      readonly set: string;
      readonly ahead: boolean;
      readonly negative: boolean;
      readonly next: number;
    }
  | { readonly kind: 'match' };

/** Runs one pattern at one position of a text. */
export interface Automaton {
  /** Returns where the match of the pattern that begins at `at` ends; -1 when there is none. */
  readonly matchEnd: (text: string, at: number) => number;
  /** Returns whether more text may change what `matchEnd` returns at `at`. */
  readonly viable: (text: string, at: number) => boolean;
}

/** Writes a syntax tree out as places. */
class Places {
  readonly all: Place[] = [{ kind: 'match' }];

  /** Returns the place where `node` begins that goes on at `next`. */
  add(node: Node, next: number): number {
    switch (node.kind) {
      case 'set':
        return this.#put({ kind: 'unit', set: node.source, next });
      case 'seq':
        return node.items.reduceRight((then, item) => this.add(item, then), next);
      case 'alt':
        return this.#put({ kind: 'fork', ways: node.options.map((option) => this.add(option, next)) });
      case 'look': {
        const { body, ahead, negative } = node;
        if (body.kind !== 'set') throw new Error('a lookaround of more than one unit is not in the subset');
        return this.#put({ kind: 'look', set: body.source, ahead, negative, next });
      }
    }
    // ECMA-262 §22.2.2.3.1 step 2.b: a further time that is empty is no time, which no list of places tells.
    if (node.max > node.min && widthOf(node.item).min === 0) throw new Error('what may be empty is repeated');
    let then = next;
    for (let count = node.min; count < node.max; count++)
      then = this.#put({ kind: 'fork', ways: [this.add(node.item, then), next] });
    for (let count = 0; count < node.min; count++) then = this.add(node.item, then);
    return then;
  }

  #put(place: Place): number {
    if (this.all.length >= MOST_PLACES) throw new Error(`written out, it has more than ${MOST_PLACES} places`);
    return this.all.push(place) - 1;
  }
}

/** What reading one unit does: the places that remain, and whether a match was over ahead of it. */
interface Move {
  readonly matched: boolean;
  readonly places: readonly number[];
}

/** Goes from place to place. */
class Walk {
  #steps = 0;
  readonly #places: readonly Place[];
  readonly #alphabet: Alphabet;

  constructor(places: readonly Place[], alphabet: Alphabet) {
    this.#places = places;
    this.#alphabet = alphabet;
  }

  /** Returns the places that wait for a unit, in order; what comes behind a match is never tried. `before`: a class. */
  waiting(from: readonly number[], before: number | null): readonly number[] {
    const found: number[] = [];
    this.#visit(from, new Set(), (at, place) => {
      if (place.kind === 'look' && !place.ahead) {
        if (before === null) throw new Error('a lookbehind stands behind what consumes');
        return this.#passes(place, before) ? place.next : null;
      }
      found.push(at);
      return place.kind === 'match' ? 'stop' : null;
    });
    return found;
  }

  /** Returns what a unit of this class, or the edge of the text, does to places that wait. */
  move(from: readonly number[], unitClass: number): Move {
    const next: number[] = [];
    let matched = false;
    this.#visit(from, new Set(), (_, place) => {
      if (place.kind === 'match') {
        matched = true;
        return 'stop';
      }
      if (place.kind === 'look') return this.#passes(place, unitClass) ? place.next : null;
      if (place.kind === 'unit' && this.#alphabet.has(place.set, unitClass)) next.push(place.next);
      return null;
    });
    return { matched, places: this.waiting(next, null) };
  }

  #passes({ set, negative }: Place & { kind: 'look' }, unitClass: number): boolean {
    return this.#alphabet.has(set, unitClass) !== negative;
  }

  /** Visits places in order, each once, forks by themselves; `visit` says where to go on from one, or to stop. */
  #visit(
    from: readonly number[],
    seen: Set<number>,
    visit: (at: number, place: Place) => number | null | 'stop',
  ): void {
    const stack = from.toReversed();
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const place = this.#places[at];
      if (place === undefined || seen.has(at)) continue;
      if (++this.#steps > MOST_STEPS) throw new Error(AMBIGUOUS);
      seen.add(at);
      if (place.kind === 'fork') {
        stack.push(...place.ways.toReversed());
        continue;
      }
      const then = visit(at, place);
      if (then === 'stop') return;
      if (then !== null) stack.push(then);
    }
  }
}

/** The state in which nothing is left to try. */
const DEAD = 0;

/** All states that can be reached, as a table. */
class States {
  /** By state and class: the next state, twice, and 1 more when a match is over ahead of the unit. */
  readonly cells: number[] = [];
  /** By state: more text may change the answer. */
  readonly open: boolean[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #lists: (readonly number[])[] = [];
  readonly #walk: Walk;
  readonly #places: readonly Place[];
  readonly #alphabet: Alphabet;

  constructor(places: readonly Place[], alphabet: Alphabet) {
    this.#places = places;
    this.#walk = new Walk(places, alphabet);
    this.#alphabet = alphabet;
    this.#numberOf([]);
  }

  /** Returns the state in which a match may begin at `place` behind a unit of class `before`. */
  start(place: number, before: number): number {
    return this.#numberOf(this.#walk.waiting([place], before));
  }

  /** Fills the table for every state that was reached, and those that they lead to. */
  fill(): void {
    for (let state = 0; state < this.#lists.length; state++) {
      if (this.cells.length + this.#alphabet.size > MOST_CELLS) throw new Error(AMBIGUOUS);
      this.#fillState(this.#lists[state] ?? []);
    }
  }

  /** Most classes lead nowhere from most states: what is in no set of the list does what the edge of a text does. */
  #fillState(list: readonly number[]): void {
    const sets = list.map((at) => this.#places[at]).flatMap((place) => (place?.kind === 'unit' ? place.set : []));
    const looks = list.some((at) => this.#places[at]?.kind === 'look');
    const otherwise = this.#cell(list, this.#alphabet.edge);
    for (let unitClass = 0; unitClass < this.#alphabet.size; unitClass++) {
      const leads = looks || sets.some((set) => this.#alphabet.has(set, unitClass));
      this.cells.push(leads ? this.#cell(list, unitClass) : otherwise);
    }
  }

  #cell(list: readonly number[], unitClass: number): number {
    const { matched, places } = this.#walk.move(list, unitClass);
    return this.#numberOf(places) * 2 + (matched ? 1 : 0);
  }

  #numberOf(list: readonly number[]): number {
    const key = list.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#lists.push(list) - 1;
    this.#numbers.set(key, number);
    this.open.push(list.some((at) => this.#places[at]?.kind !== 'match'));
    return number;
  }
}

/**
 * Returns the automaton of a pattern. `flags`: those of the pattern. Throws an Error when it would be too large, or when
 * the pattern looks around at more than one unit.
 */
export const compileAutomaton = (tree: Node, flags: string): Automaton => {
  const alphabet = alphabetOf(tree, flags);
  const places = new Places();
  const first = places.add(tree, 0);
  const states = new States(places.all, alphabet);
  const starts = Int32Array.from({ length: alphabet.size }, (_, before) => states.start(first, before));
  states.fill();
  const cells = Int32Array.from(states.cells);
  const { classOf, size, edge } = alphabet;
  const startAt = (text: string, at: number): number =>
    starts[at === 0 ? edge : (classOf[text.charCodeAt(at - 1)] ?? 0)] ?? DEAD;
  return {
    matchEnd(text, at) {
      let found = -1;
      let state = startAt(text, at);
      for (let end = at; state !== DEAD; end++) {
        const unitClass = end < text.length ? (classOf[text.charCodeAt(end)] ?? 0) : edge;
        const cell = cells[state * size + unitClass] ?? 0;
        if ((cell & 1) === 1) found = end;
        state = cell >> 1;
      }
      return found;
    },
    viable(text, at) {
      let state = startAt(text, at);
      for (let end = at; end < text.length && state !== DEAD; end++)
        state = (cells[state * size + (classOf[text.charCodeAt(end)] ?? 0)] ?? 0) >> 1;
      return states.open[state] === true;
    },
  };
};
