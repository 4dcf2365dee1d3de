/** Tripwires: forms in texts that deserve a look. They are data; one scan finds where any of them may begin. */

import type { Trip } from '../call.ts';
import { findStarts } from './starts.ts';

/** One form. */
export interface Wire {
  readonly kind: string;
  /** What it begins with, in small letters: one of these stands wherever it is. */
  readonly starts: readonly string[];
  /** Matches from there on; flags `iy`. Every repeat is bounded, so that no text takes longer than its length. */
  readonly pattern: RegExp;
  /** How much it says by itself, 0 to 1. */
  readonly weight: number;
}

/** No wire reads further than so many UTF-16 units. */
export const WIDEST = 768;

/** More are not told of one text: it has tripped. */
const MOST_TRIPS = 64;

/** A wire that a text has tripped. */
export interface Tripped {
  readonly wire: Wire;
  readonly start: number;
  readonly end: number;
}

/** Wires, ready to be tripped. */
export interface Tripwires {
  /** Returns what trips them, in order of the text; at most 64. */
  scan(this: void, text: string): readonly Tripped[];
}

/** What of a text is not looked at any more, because it holds more beginnings than any text of people or machines. */
const UNREAD: Wire = { kind: 'unread', starts: [], pattern: /(?!)/y, weight: 1 };
const FEW_BEGINNINGS = 4_096;
const UNITS_PER_BEGINNING = 32;

const NONE: readonly Tripped[] = [];

/** Returns the wires, compiled. */
export const compileWires = (wires: readonly Wire[]): Tripwires => {
  const starts = [...new Set(wires.flatMap((wire) => wire.starts))].toSorted((a, b) => b.length - a.length);
  // where one start begins another, the longer one is found, and stands for both
  const byStart = new Map(
    starts.map((start) => [start, wires.filter((wire) => wire.starts.some((other) => start.startsWith(other)))]),
  );
  const first = findStarts(starts);
  return {
    scan(text) {
      let hit = first(text, 0);
      if (hit === null) return NONE;
      const trips: Tripped[] = [];
      let left = FEW_BEGINNINGS + text.length / UNITS_PER_BEGINNING;
      while (hit !== null && trips.length < MOST_TRIPS) {
        const { index } = hit;
        if (--left < 0) return [...trips, { wire: UNREAD, start: index, end: text.length }];
        let end = index + 1;
        for (const wire of byStart.get(hit.start) ?? []) {
          wire.pattern.lastIndex = index;
          if (!wire.pattern.test(text)) continue;
          trips.push({ wire, start: index, end: wire.pattern.lastIndex });
          end = Math.max(end, wire.pattern.lastIndex);
        }
        hit = first(text, end);
      }
      return trips;
    },
  };
};

/** Makes the keyed digest of what stands somewhere, by which equal values can be joined. */
export type Digest = (kind: string, value: string) => string;

/** Returns the trips of a text with what stands there digested; as they are where nobody digests. */
export const withDigests = <T extends Trip>(
  trips: readonly T[],
  text: string,
  digest: Digest | undefined,
): readonly T[] =>
  digest === undefined
    ? trips
    : trips.map((trip) => ({ ...trip, digest: digest(trip.kind, text.slice(trip.start, trip.end)) }));

/** Returns a trip as policies and records see it: never what stands there. */
export const tripOf = ({ wire, start, end }: Tripped, place: string): Trip => ({ kind: wire.kind, place, start, end });

/** Long texts are looked at so many UTF-16 units at a time. */
const SLICE = 64 * 1024;
/** What is looked at beside a slice: what a wire asks of the text ahead of it, and what the widest reads, or a run in base64. */
const AHEAD = 64;
const BEHIND = 4_352;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Yields between slices, and returns what `find` finds in a text: what begins in a slice is found with all that it may read. */
export function* inSlices<T extends Span>(
  text: string,
  find: (slice: string) => readonly T[],
): Generator<void, readonly T[]> {
  if (text.length <= SLICE) return find(text);
  const all: T[] = [];
  for (let from = 0; from < text.length; from += SLICE) {
    const left = Math.max(0, from - AHEAD);
    const slice = text.slice(left, from + SLICE + BEHIND);
    for (const found of find(slice)) {
      const isAll = found.start === 0 && found.end === slice.length;
      const start = isAll ? from : left + found.start;
      if (start >= from && start < from + SLICE) all.push({ ...found, start, end: left + found.end });
    }
    yield;
  }
  return all;
}
