/**
 * Masks JSON inside a string (the arguments of a tool call) while it grows: each of its own strings is a text of its own,
 * escapes decoded. Numbers are masked as whole words, because digits are what many entities consist of; a masked one
 * becomes a string. What needs no mask keeps its spelling.
 */

import type { Finding } from '../call.ts';
import { beginsAsJson, JsonPieces, type JsonPieceSink } from '../protocol/json/json-pieces.ts';
import { Failure } from '../reasons.ts';
import type { Steps } from '../turns.ts';
import { maskingSlices, type TextMasker, type TextStream } from './text-masker.ts';

/** No number is longer, and what is would be held without bound. */
const LONGEST_RUN = 1024;

const spelled = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The string that is open: its characters wait here until the masker has decided on them. */
class OpenString {
  private readonly masker: TextMasker;
  private readonly found: (finding: Finding) => void;
  private stream: TextStream | null = null;
  /** Undecided characters, decoded. */
  private text = '';
  /** The same as they are spelled: plain stretches and single escapes. */
  private units: { text: string; raw: string }[] = [];
  /** How much of `text` the stream has not seen yet. */
  private fresh = '';

  constructor(masker: TextMasker, found: (finding: Finding) => void) {
    this.masker = masker;
    this.found = found;
  }

  get held(): number {
    return this.stream?.held ?? 0;
  }

  add(text: string, raw: string): void {
    this.text += text;
    this.fresh += text;
    this.units.push({ text, raw });
  }

  /** Returns what may leave now, spelled as JSON. */
  flush(): string {
    if (this.fresh === '') return '';
    this.stream ??= this.masker.stream(this.found);
    const out = this.stream.push(this.fresh);
    this.fresh = '';
    return this.leave(out, this.text.length - this.stream.held);
  }

  /** Returns the rest, spelled as JSON. */
  end(): string {
    // A string that came in one piece needs no stream.
    if (this.stream === null) return this.leave(this.masker.whole(this.text, this.found), this.text.length);
    const out = this.stream.push(this.fresh) + this.stream.end();
    return this.leave(out, this.text.length);
  }

  /** Lets the first `decided` characters go, for which the masker put `out`. */
  private leave(out: string, decided: number): string {
    const kept = out === this.text.slice(0, decided);
    let raw = '';
    let left = decided;
    for (let unit = this.units[0]; unit !== undefined; unit = this.units[0]) {
      // An escape that was cut off stands for no character: it leaves with what is before it.
      if (unit.text.length > left) {
        if (left > 0) this.units[0] = { text: unit.text.slice(left), raw: unit.raw.slice(left) };
        raw += unit.raw.slice(0, left);
        break;
      }
      raw += unit.raw;
      left -= unit.text.length;
      this.units.shift();
    }
    this.text = this.text.slice(decided);
    return kept ? raw : spelled(out);
  }
}

class JsonTextStream implements TextStream, JsonPieceSink {
  private readonly masker: TextMasker;
  private readonly found: (finding: Finding) => void;
  private readonly longestRun: number;
  private readonly pieces: JsonPieces;
  private string: OpenString | null = null;
  /** What is no JSON, from its beginning or from some place on, is one text. */
  private rest: TextStream | null = null;
  private begun = false;
  private out = '';

  constructor(masker: TextMasker, found: (finding: Finding) => void, longestRun: number) {
    this.masker = masker;
    this.found = found;
    this.longestRun = longestRun;
    this.pieces = new JsonPieces(this);
  }

  get held(): number {
    return this.rest?.held ?? this.pieces.held + (this.string?.held ?? 0);
  }

  push(text: string): string {
    if (!this.begun) {
      const json = beginsAsJson(text);
      this.begun = json !== null;
      if (json === false) this.rest = this.masker.stream(this.found);
    }
    if (this.rest !== null) return this.rest.push(text);
    this.pieces.push(text);
    if (this.string === null && this.pieces.held > this.longestRun)
      throw new Failure(
        'answer-unreadable',
        `expected JSON in a string, found a number of more than ${this.longestRun} characters`,
      );
    if (this.string !== null) this.out += this.string.flush();
    return this.take();
  }

  end(): string {
    if (this.rest === null) this.pieces.end();
    if (this.string !== null) this.out += this.string.end();
    this.string = null;
    if (this.rest !== null) this.out += this.rest.end();
    return this.take();
  }

  private take(): string {
    const { out } = this;
    this.out = '';
    return out;
  }

  gap(raw: string): void {
    this.out += raw;
  }

  run(raw: string): void {
    const masked = this.masker.whole(raw, this.found);
    this.out += masked === raw ? raw : JSON.stringify(masked);
  }

  open(): void {
    this.out += '"';
    this.string = new OpenString(this.masker, this.found);
  }

  prose(raw: string): void {
    this.rest ??= this.masker.stream(this.found);
    this.out += this.rest.push(raw);
  }

  chars(text: string, raw: string): void {
    this.string?.add(text, raw);
  }

  close(): void {
    this.out += `${this.string?.end() ?? ''}"`;
    this.string = null;
  }
}

/** Returns a stream that masks one JSON text inside a string. Throws Failure `answer-unreadable` for an endless number. */
export const jsonTextStream = (masker: TextMasker, found: (finding: Finding) => void): TextStream =>
  new JsonTextStream(masker, found, LONGEST_RUN);

/** Returns what `maskJsonText` does, in steps. What was found in its strings before is looked for again. */
export function* maskingJsonText(text: string, masker: TextMasker, found: (finding: Finding) => void): Steps<string> {
  if (beginsAsJson(text) !== true) return yield* masker.steps(text, found);
  // what is here as a whole may hold numbers of any length
  return yield* maskingSlices(text, new JsonTextStream(masker, found, Infinity));
}

/** Returns the JSON text with its strings and numbers masked; the very same text when nothing was. */
export const maskJsonText = (text: string, masker: TextMasker, found: (finding: Finding) => void): string => {
  if (beginsAsJson(text) !== true) return masker.whole(text, found);
  const stream = jsonTextStream(masker, found);
  return stream.push(text) + stream.end();
};
