/**
 * Tripwires for prompt injection: forms of texts that try to be instructions where they are data. They are heuristics:
 * whoever knows them can write around them (docs/guards.md).
 */

import type { Evidence, Injection } from '../call.ts';
import { encodedIn } from './encoded.ts';
import { foldText } from './fold.ts';
import { ORDERS } from './order-wires.ts';
import { readingsOf } from './readings.ts';
import { OVERRIDES } from './override-wires.ts';
import { unseenIn, type Weighed } from './unseen.ts';
import { compileWires, type Digest, inSlices, tripOf, type Tripped, type Wire, withDigests } from './wire.ts';

export const INJECTION_WIRES: readonly Wire[] = [...OVERRIDES, ...ORDERS];

const wires = compileWires(INJECTION_WIRES);

const trips = (said: string): boolean => {
  const folded = foldText(said);
  return [folded, ...readingsOf(folded)].some((reading) => wires.scan(reading).length > 0);
};

const weighed = (trip: Tripped, place: string): Weighed => ({ ...tripOf(trip, place), weight: trip.wire.weight });

/** Returns what trips the wires in other readings of a text, of kinds that no reading before had. */
const hiddenIn = (readings: readonly string[], kinds: Set<string>): readonly Tripped[] =>
  readings.flatMap((reading) => {
    const fresh = wires.scan(reading).filter(({ wire: { kind } }) => !kinds.has(kind));
    for (const { wire } of fresh) kinds.add(wire.kind);
    return fresh;
  });

/** Returns what a text trips; `place` is its role. */
const tripsOf = (text: string, place: string): readonly Weighed[] => {
  const found = [
    ...wires.scan(text).map((trip) => weighed(trip, place)),
    ...unseenIn(text, place),
    ...encodedIn(text, place, trips),
  ];
  const folded = foldText(text);
  const others = [...(folded === text ? [] : [folded]), ...readingsOf(folded)];
  if (others.length === 0) return found;
  // where in the text it stands is not followed through; that it was hidden says more than what it is
  const hidden = hiddenIn(others, new Set(found.map(({ kind }) => kind)));
  return [
    ...found,
    ...hidden.map(({ wire: { kind, weight } }) => ({
      kind,
      place,
      start: 0,
      end: text.length,
      weight: Math.min(1, weight + 0.15),
    })),
  ];
};

/** Who wrote a text says how much a trip in it says: instructions are at home with the system, and in no result of a tool. */
const TRUST: Readonly<Record<string, number>> = {
  system: 0.2,
  developer: 0.2,
  'tool-definition': 0.6,
  assistant: 0.6,
  user: 0.8,
};

/** A kind says more when it comes again, but not much. */
const AGAIN = 0.25;

/** A text, and whose it is: a role, `tool_call`, or `text`. */
export interface PlacedText {
  readonly text: string;
  readonly place: string;
}

/** A text in which nothing was found. */
const NO_INJECTION: Injection = { score: 0, evidence: [] };

const MOST_EVIDENCE = 64;

const evidenceOf = ({ weight, ...trip }: Weighed): Evidence => ({
  ...trip,
  score: rounded(weight * (TRUST[trip.place] ?? 1)),
});

/** At most 64, those first that say most: nobody can hide one behind many. */
const most = (evidence: readonly Evidence[]): readonly Evidence[] =>
  evidence.toSorted((a, b) => b.score - a.score).slice(0, MOST_EVIDENCE);

/** Returns what texts trip, each with how much it says by itself; at most 64. */
export const injectionEvidence = (texts: readonly PlacedText[], digest?: Digest): readonly Evidence[] =>
  most(texts.flatMap(({ text, place }) => withDigests(tripsOf(text, place).map(evidenceOf), text, digest)));

/** Yields whenever somebody else may have a turn, and returns how much texts look like an injection, and why. */
export function* findingInjection(texts: readonly PlacedText[], digest?: Digest): Generator<void, Injection> {
  const evidence: Evidence[] = [];
  for (const { text, place } of texts) {
    evidence.push(
      ...(yield* inSlices(text, (slice) => withDigests(tripsOf(slice, place).map(evidenceOf), slice, digest))),
    );
    yield;
  }
  return injectionOf(most(evidence));
}

const rounded = (score: number): number => Math.round(score * 100) / 100;

/** Returns what evidence says together: each kind counts once in full, and kinds add up as if they were independent. */
export const injectionOf = (evidence: readonly Evidence[]): Injection => {
  if (evidence.length === 0) return NO_INJECTION;
  let rest = 1;
  const seen = new Set<string>();
  for (const { kind, score } of evidence.toSorted((a, b) => b.score - a.score)) {
    rest *= 1 - score * (seen.has(kind) ? AGAIN : 1);
    seen.add(kind);
  }
  return { score: rounded(1 - rest), evidence };
};

/** Returns how much texts look like an injection, and why. */
export const findInjection = (texts: readonly PlacedText[]): Injection => injectionOf(injectionEvidence(texts));
