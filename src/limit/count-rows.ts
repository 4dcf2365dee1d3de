/**
 * Counts as rows of a store that gateways share, and back. What a row says is not believed before it was looked at: it
 * may only add to what counts here, by amounts that can be, at times that are not ahead.
 */

import type { SharedRow } from '../store/shared-rows.ts';
import type { CountKey } from './count-key.ts';
import { CELLS, CELLS_PER_WINDOW, type CountReading, type PlacesReading } from './counts.ts';
import { GENERATIONS, GENERATIONS_PER_WINDOW, HIGHEST, REGISTERS, type RegistersReading } from './distinct.ts';

/** A row of a count that can be believed. */
export interface CountRow {
  readonly kind: 'count';
  readonly key: CountKey;
  readonly head: number;
  readonly cells: Float64Array;
}

/** A row of distinct inputs that can be believed. */
export interface RegistersRow {
  readonly kind: 'registers';
  readonly key: CountKey;
  readonly generation: number;
  readonly registers: Uint8Array;
}

/** Places that calls elsewhere have. */
export interface PlacesRow {
  readonly key: CountKey;
  readonly taken: number;
}

/** The part of rows of counts; those of distinct inputs are numbered by their generations. */
const COUNT_PART = -1;
const NAME = 16;
const HEAD_AT = 8;
const BODY_AT = 16;
const COUNT_BODY = BODY_AT + CELLS * 8;
const REGISTERS_BODY = BODY_AT + REGISTERS;
const PLACES_ROW = NAME + 8 + 4;

/** Windows of limits: a second to 31 days. */
const SHORTEST = 1_000;
const LONGEST = 31 * 86_400_000;
/** Clocks of gateways agree with that of the store within less. Milliseconds. */
const AHEAD = 5_000;
/** No gateway takes so many calls at once. */
const MOST_PLACES = 10_000_000;

/** Returns the row of what this process has counted. */
export function countRow({ words, width, head, cells }: CountReading): SharedRow {
  const body = new Uint8Array(COUNT_BODY);
  const view = new DataView(body.buffer);
  view.setFloat64(0, width);
  view.setFloat64(HEAD_AT, head);
  for (const [at, amount] of cells.entries()) view.setFloat64(BODY_AT + at * 8, amount);
  return { name: nameOf(words), part: COUNT_PART, body, until: (head + CELLS) * width };
}

/** Returns the row of the inputs that this process knows of. */
export function registersRow({ words, width, generation, registers }: RegistersReading): SharedRow {
  const body = new Uint8Array(REGISTERS_BODY);
  const view = new DataView(body.buffer);
  view.setFloat64(0, width);
  view.setFloat64(HEAD_AT, generation);
  body.set(registers, BODY_AT);
  return { name: nameOf(words), part: generation, body, until: (generation + GENERATIONS) * width };
}

/** Returns what a row of others says; null for one that cannot be true. */
export function readRow({ name, part, body }: SharedRow, now: number): CountRow | RegistersRow | null {
  if (name.length !== NAME || body.length < BODY_AT) return null;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const width = view.getFloat64(0);
  const newest = view.getFloat64(HEAD_AT);
  if (!Number.isSafeInteger(newest) || newest < 0 || !(newest * width <= now + AHEAD)) return null;
  const key = keyOf(name, width);
  if (part === COUNT_PART) {
    if (body.length !== COUNT_BODY || !isWidth(width, CELLS_PER_WINDOW)) return null;
    const cells = new Float64Array(CELLS);
    for (let at = 0; at < CELLS; at++) cells[at] = view.getFloat64(BODY_AT + at * 8);
    return cells.every(isAmount) ? { kind: 'count', key, head: newest, cells } : null;
  }
  if (part !== newest || body.length !== REGISTERS_BODY || !isWidth(width, GENERATIONS_PER_WINDOW)) return null;
  const registers = body.slice(BODY_AT);
  return registers.every((value) => value <= HIGHEST)
    ? { kind: 'registers', key, generation: newest, registers }
    : null;
}

/** Returns the places that calls of this process have, packed. */
export function packPlaces(places: readonly PlacesReading[]): Uint8Array {
  const packed = new Uint8Array(places.length * PLACES_ROW);
  const view = new DataView(packed.buffer);
  for (const [row, { words, width, taken }] of places.entries()) {
    const at = row * PLACES_ROW;
    packed.set(nameOf(words), at);
    view.setFloat64(at + NAME, width);
    view.setUint32(at + NAME + 8, taken);
  }
  return packed;
}

/** Returns the places that another process says its calls have; null for what cannot be true. */
export function readPlaces(packed: Uint8Array): readonly PlacesRow[] | null {
  if (packed.length % PLACES_ROW !== 0) return null;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const rows: PlacesRow[] = [];
  for (let at = 0; at < packed.length; at += PLACES_ROW) {
    const width = view.getFloat64(at + NAME);
    const taken = view.getUint32(at + NAME + 8);
    // places have no window, or that of the rule
    if (!(width >= SHORTEST && width <= LONGEST) || taken > MOST_PLACES) return null;
    rows.push({ key: keyOf(packed.subarray(at, at + NAME), width), taken });
  }
  return rows;
}

/** Returns the name of a count as text, to be looked up by. */
export const idOf = ({ words, width }: { readonly words: Int32Array; readonly width: number }): string =>
  `${words[0]} ${words[1]} ${words[2]} ${words[3]} ${width}`;

const isWidth = (width: number, perWindow: number): boolean =>
  width >= SHORTEST / perWindow && width <= LONGEST / perWindow;

const isAmount = (amount: number): boolean => amount >= 0 && amount <= Number.MAX_SAFE_INTEGER;

const nameOf = (words: Int32Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength).slice();

const keyOf = (name: Uint8Array, width: number): CountKey => ({
  // a copy: a piece of a Buffer has the memory of all of it
  words: new Int32Array(new Uint8Array(name).buffer),
  width,
  at: 0,
});
