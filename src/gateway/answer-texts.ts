/**
 * The texts of one answer as outside classifiers are shown them: growing ones in windows, others whole, each once. Keeps
 * what was found in each, for the mask that comes behind.
 */

import type { Finding } from '../call.ts';
import { type Cut, GrowingText, type Window, type WindowSize } from '../classify/growing-text.ts';
import { mergeFindings } from '../classify/question.ts';
import { WindowFindings } from '../classify/window-findings.ts';
import type { Scanner } from '../detect/scanner.ts';
import type { OutsideFindings } from '../mask/outside.ts';
import type { TextEar } from '../mask/reading-masker.ts';
import type { TextMasker, TextStream } from '../mask/text-masker.ts';
import type { Shown } from './classification.ts';

/** What is ready to be shown, and what to do with what comes of it. */
export interface Batch {
  readonly texts: readonly Shown[];
  /** Says what was found in each text, in order. Called once. */
  settle(found: readonly (readonly Finding[])[]): void;
}

/** How far the texts of an answer had come at some point. */
export interface Mark {
  /** Whether all up to there was looked at. */
  readonly isSettled: () => boolean;
  /** Says that all up to there has left: the mask asks for it no more. Called once. */
  readonly left: () => void;
}

interface Stream {
  readonly text: GrowingText;
  /** Finds what detectors find while the text grows; its output is the text without it. */
  readonly detect: TextStream;
  /** Findings that were not yet handed on. */
  readonly fresh: Finding[];
  /** Units that came out of `detect`, and those that findings are made of. */
  out: number;
  within: number;
  /** What was found in its windows. */
  readonly said: WindowFindings;
  isOver: boolean;
  /** Text has waited long enough for the end of its sentence. */
  isLate: boolean;
  /** The whole text, to be known again where an answer repeats it; null when it has become too long. */
  whole: string | null;
}

/** A text that came whole. */
interface Whole {
  /** Null while nobody has said. */
  found: readonly Finding[] | null;
  /** Marks that it stands before, and that have not left. */
  waits: number;
}

const NOTHING: readonly Finding[] = [];
/** What is remembered of texts that have left, because an answer may say them again: so many, and so many UTF-16 units. */
const MOST_REMEMBERED = 4_096;
const MOST_REMEMBERED_UNITS = 4 * 1024 ** 2;
/** A repeated text that is longer is looked at anew. UTF-16 units. */
const LONGEST_REPEATED = 1024 ** 2;
/** Growing texts that are remembered when they have left, at most. */
const MOST_REPEATED = 256;

/** What texts are read with. */
export interface ReadingParts {
  readonly size: WindowSize;
  readonly scanner: Scanner;
  /** Drops what detectors find. */
  readonly dropper: TextMasker;
}

/** The texts of one answer. */
export class AnswerTexts implements TextEar {
  readonly #parts: ReadingParts;
  /** Growing texts by their number, those that have left while they are remembered. */
  readonly #streams = new Map<number, Stream>();
  readonly #grown = new Set<Stream>();
  /** How many have begun, and how many of them in the mask behind. */
  #begun = 0;
  #asked = 0;
  /** Numbers of those that have ended since the last mark. */
  #ended: number[] = [];
  /** Numbers of those that have left, the oldest first. */
  readonly #past: number[] = [];
  /** UTF-16 units of those. */
  #repeatable = 0;
  /** Whole texts that were not shown yet. */
  #fresh: string[] = [];
  readonly #wholes = new Map<string, Whole>();
  /** Whole texts that were told since the last mark. */
  readonly #told = new Set<string>();
  /** Of whole texts that are remembered. */
  #units = 0;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  whole(text: string): void {
    if (text === '' || this.#repeated(text) !== undefined) return;
    if (!this.#wholes.has(text)) {
      this.#wholes.set(text, { found: null, waits: 0 });
      this.#units += text.length;
      this.#fresh.push(text);
    }
    this.#told.add(text);
  }

  begins(): void {
    const fresh: Finding[] = [];
    this.#streams.set(this.#begun++, {
      text: new GrowingText(this.#parts.size),
      detect: this.#parts.dropper.stream((finding) => void fresh.push(finding)),
      fresh,
      out: 0,
      within: 0,
      said: new WindowFindings(this.#parts.size.overlap),
      isOver: false,
      isLate: false,
      whole: '',
    });
  }

  grows(number: number, text: string): void {
    const stream = this.#streams.get(number);
    if (stream === undefined || text === '') return;
    stream.text.grow(text);
    if (stream.whole !== null) stream.whole = stream.whole.length > LONGEST_REPEATED ? null : stream.whole + text;
    this.#decide(stream, stream.detect.push(text));
    this.#grown.add(stream);
  }

  ends(number: number): void {
    const stream = this.#streams.get(number);
    if (stream === undefined) return;
    this.#decide(stream, stream.detect.end());
    stream.isOver = true;
    stream.said.over(stream.text.length);
    this.#ended.push(number);
  }

  /** What is out without findings, and what findings are made of, is what is decided: an open finding is neither. */
  #decide(stream: Stream, out: string): void {
    stream.out += out.length;
    for (const { start, end } of stream.fresh) stream.within += end - start;
    stream.text.decide(stream.out + stream.within, stream.fresh);
    stream.fresh.length = 0;
  }

  /** Returns the mark of all texts so far. */
  mark(): Mark {
    const grown = [...this.#grown].map((stream) => ({ stream, to: stream.text.length }));
    const wholes = [...this.#told].flatMap((text) => this.#wholes.get(text) ?? []);
    const ended = this.#ended;
    for (const whole of wholes) whole.waits++;
    this.#grown.clear();
    this.#told.clear();
    this.#ended = [];
    return {
      isSettled: () =>
        grown.every(({ stream, to }) => stream.said.settled >= to) && wholes.every(({ found }) => found !== null),
      left: () => {
        for (const whole of wholes) whole.waits--;
        for (const number of ended) this.#repeatable += this.#streams.get(number)?.whole?.length ?? 0;
        this.#past.push(...ended);
        this.#forget();
      },
    };
  }

  /** Another mask begins behind what has left so far: the growing texts that it asks for are those that begin from here on. */
  turn(): () => void {
    const begun = this.#begun;
    return () => void (this.#asked = begun);
  }

  /** A connection may say more than anybody remembers: of what has left, the oldest goes. */
  #forget(): void {
    while (this.#past.length > MOST_REPEATED || this.#repeatable > MOST_REMEMBERED_UNITS) {
      const number = this.#past.shift() ?? 0;
      this.#repeatable -= this.#streams.get(number)?.whole?.length ?? 0;
      this.#streams.delete(number);
    }
    if (this.#wholes.size <= MOST_REMEMBERED && this.#units <= MOST_REMEMBERED_UNITS) return;
    for (const [text, { waits }] of this.#wholes) {
      if (waits > 0) continue;
      this.#wholes.delete(text);
      this.#units -= text.length;
      if (this.#wholes.size <= MOST_REMEMBERED / 2 && this.#units <= MOST_REMEMBERED_UNITS / 2) return;
    }
  }

  /** Whether a text waits for the end of its sentence. */
  get waits(): boolean {
    return this.#streams.values().some(({ text, isOver }) => !isOver && text.waits);
  }

  /** Says that what waits has waited long enough. */
  late(): void {
    for (const stream of this.#streams.values()) stream.isLate = stream.text.waits;
  }

  /** Returns what is to be shown next; null for nothing yet. */
  take(): Batch | null {
    if (this.#fresh.length > 0) return this.#takeWholes();
    for (const stream of this.#streams.values()) {
      const cut: Cut = stream.isOver || stream.isLate ? 'anywhere' : 'sentence';
      const window = stream.text.take(cut);
      if (window !== null) return this.#batchOf(stream, window);
      stream.isLate = false;
    }
    return null;
  }

  #takeWholes(): Batch {
    const wholes = this.#fresh;
    this.#fresh = [];
    return {
      texts: wholes.map((text) => ({ role: 'assistant', text, findings: this.#parts.scanner.scan(text), from: 0 })),
      settle: (found) =>
        wholes.forEach((text, at) => {
          const whole = this.#wholes.get(text);
          if (whole !== undefined) whole.found = mergeFindings(found[at] ?? NOTHING);
        }),
    };
  }

  #batchOf(stream: Stream, { from, start, end, text, findings }: Window): Batch {
    const settle = stream.said.begin({ from, start, end });
    return {
      texts: [{ role: 'assistant', text, findings, from: start - from }],
      settle: ([found = NOTHING]) => settle(found),
    };
  }

  #repeated(text: string): Stream | undefined {
    return this.#streams.values().find(({ whole }) => whole !== null && whole.length === text.length && whole === text);
  }

  /** Of the mask: what was found in a text that came whole, or repeats one that grew. */
  readonly known: OutsideFindings = {
    whole: (text) => this.#wholes.get(text)?.found ?? this.#repeated(text)?.said.found ?? NOTHING,
    begins: () => {
      const stream = this.#streams.get(this.#asked++);
      return () => stream?.said.found ?? NOTHING;
    },
  };
}
