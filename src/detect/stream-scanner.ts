/**
 * The scan of a text that arrives in pieces: it says the same as the scan of the whole text, whatever the pieces, and
 * holds back no more than what is still open.
 */

import type { Finding } from '../call.ts';
import type { Compiled } from './compiled.ts';
import { type Detector, LEFT } from './detector.ts';
import { fold } from './fold.ts';
import { type Program, Search } from './search.ts';

/** Receives a scanned text in order: plain pieces, and findings in pieces. */
export interface ScanSink {
  /** Text that no finding covers. */
  plain(text: string): void;
  /** A finding begins. */
  begin(detector: Detector): void;
  /** The next piece of the finding that has begun. */
  piece(text: string): void;
  /** The finding that has begun ends. */
  end(finding: Finding): void;
}

/** A finding that is being swallowed. */
interface Open {
  readonly compiled: Compiled;
  /** Where it began, in units from the start of the text. */
  readonly start: number;
  readonly score: number;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Scans one text that arrives in pieces. */
export class StreamScanner {
  readonly #program: Program;
  readonly #sink: ScanSink;
  /** Left context that is out already, then the text that is held. */
  #buffer = '';
  /** `#buffer` as detectors read it. */
  #folded = '';
  /** Where in `#buffer` the held text begins. */
  #at = 0;
  /** Units of the text ahead of `#buffer`. */
  #passed = 0;
  #open: Open | null = null;

  constructor(program: Program, sink: ScanSink) {
    this.#program = program;
    this.#sink = sink;
  }

  /** How many units have come in and are neither out nor part of a finding; at most REACH. */
  get held(): number {
    return this.#buffer.length - this.#at;
  }

  /** Takes the next piece. */
  push(text: string): void {
    if (text !== '') this.#advance(text, false);
  }

  /** Says that the text is over: nothing is held any more. */
  end(): void {
    this.#advance('', true);
  }

  #advance(text: string, final: boolean): void {
    this.#buffer += text;
    this.#folded += fold(text);
    const search = new Search(this.#program, this.#folded, final);
    while (this.#follow(final)) {
      const step = search.next(this.#at);
      if (step.kind !== 'entity') {
        this.#passTo(step.kind === 'open' ? step.at : this.#endOfPlain(final));
        break;
      }
      this.#passTo(step.start);
      this.#begin(step.compiled, step.end, step.score);
    }
    this.#forget();
  }

  /** Half a surrogate pair is no text yet: its other half may come. */
  #endOfPlain(final: boolean): number {
    const { length } = this.#buffer;
    return !final && length > this.#at && isHighSurrogate(this.#buffer.charCodeAt(length - 1)) ? length - 1 : length;
  }

  #passTo(at: number): void {
    if (at > this.#at) this.#sink.plain(this.#buffer.slice(this.#at, at));
    this.#at = at;
  }

  #begin(compiled: Compiled, end: number, score: number): void {
    this.#open = { compiled, start: this.#passed + this.#at, score };
    this.#sink.begin(compiled.detector);
    this.#sink.piece(this.#buffer.slice(this.#at, end));
    this.#at = end;
  }

  /** Follows the open finding as far as the text goes. Returns whether none is open any more. */
  #follow(final: boolean): boolean {
    if (this.#open === null) return true;
    const { at, done } = this.#open.compiled.follow(this.#folded, this.#at, final);
    if (at > this.#at) this.#sink.piece(this.#buffer.slice(this.#at, at));
    this.#at = at;
    if (!done) return false;
    const { compiled, start, score } = this.#open;
    this.#open = null;
    this.#sink.end({ kind: compiled.detector.kind, start, end: this.#passed + at, score });
    return true;
  }

  /** Keeps of what is out only the left context that detectors may look at. */
  #forget(): void {
    const cut = Math.max(0, this.#at - LEFT);
    this.#buffer = this.#buffer.slice(cut);
    this.#folded = this.#folded.slice(cut);
    this.#at -= cut;
    this.#passed += cut;
  }
}
