/**
 * Holds an answer until outside classifiers have looked at its texts: frames leave in their order, each once all texts up
 * to its end were looked at. What is held is bounded by holding the model server (docs/adr/0026-classifiers.md).
 */

import type { Finding } from '../call.ts';
import type { Classifier } from '../classify/classifier.ts';
import type { AnswerMask } from '../mask/answer-mask.ts';
import type { Splitter } from '../protocol/framing/framing.ts';
import { Failure } from '../reasons.ts';
import type { AnswerTexts, Batch, Mark } from './answer-texts.ts';
import type { Classification } from './classification.ts';

/** Who has given an answer to be held. */
export interface HoldSink {
  /**
   * These bytes may go on, in the order in which they came; messages one by one. `passed` is to be called once the mask has
   * taken a message: what was found in it may be forgotten then.
   */
  release(bytes: Buffer, passed: () => void): void;
  /** Runs a step behind what was released. */
  behind(step: () => void): void;
  /** Everything was released, after `end`. */
  released(): void;
  /** A classifier has said something. Called before what it looked at is released. */
  learnt(): void;
  /** The answer cannot go on; nothing more is released. */
  fail(failure: Failure): void;
  /** Runs a step; what it throws ends the answer. */
  guarded(step: () => void): void;
  pause(): void;
  resume(): void;
}

/** What an answer is held with. */
export interface HoldParts {
  readonly classification: Classification;
  readonly classifiers: readonly Classifier[];
  /** Frames are messages: each leaves by itself, and nothing of the answer waits for the first of them. */
  readonly messages: boolean;
  /** Reads the answer as a mask does, with a masker that tells `texts`; what it returns is of no use. */
  readonly reader: AnswerMask;
  /** Cuts a stream of events into frames: the texts of a frame are known when it is whole. Null for other answers. */
  readonly splitter: Splitter | null;
  readonly texts: AnswerTexts;
  /** How long text waits for the end of its sentence, in ms. */
  readonly patience: number;
}

/** Questions of one answer under way at once, for each classifier. */
const MOST_ASKED = 4;
/** What is held before the model server is. Bytes. */
const MOST_HELD = 256 * 1024;
/** What is held when nothing but more of the answer can release it: a finding that does not end, an event without text. */
const MOST_STUCK = 64 * 1024 ** 2;

interface Held {
  readonly bytes: Buffer;
  readonly mark: Mark;
  /** What is to happen once all before it has left; null for nothing. */
  readonly turn: (() => void) | null;
}

/** Holds one answer. */
export class AnswerHold {
  readonly #parts: HoldParts;
  readonly #sink: HoldSink;
  #reader: AnswerMask;
  #classifiers: readonly Classifier[];
  #held: Held[] = [];
  #bytes = 0;
  #asked = 0;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;
  /** Something may leave: the beginning waits for the first texts, so that an answer can still be refused for them. */
  #begun = false;
  #over = false;

  constructor(parts: HoldParts, sink: HoldSink) {
    this.#parts = parts;
    this.#sink = sink;
    this.#reader = parts.reader;
    this.#classifiers = parts.classifiers;
    this.#begun = parts.messages;
  }

  /** Whether so much is held that the model server should wait. */
  get full(): boolean {
    return !this.#over && this.#bytes > MOST_HELD && this.#asked > 0 && this.#reader.kind === 'stream';
  }

  /** Takes the next bytes of the answer. Throws Failure `answer-unreadable`. */
  push(bytes: Buffer): void {
    if (this.#over || bytes.length === 0) return;
    this.#take(bytes);
    this.#go();
  }

  /** Says that the answer is complete, with these last bytes. Throws as `push` does. */
  end(rest: Buffer): void {
    if (this.#over) return;
    this.#take(rest);
    // the texts of a frame that the end has cut short are known only then
    const cut = this.#parts.splitter?.end() ?? rest.subarray(rest.length);
    if (cut.length > 0) this.#reader.push(cut);
    this.#reader.end();
    this.#ended = true;
    this.#held.push({ bytes: cut, mark: this.#parts.texts.mark(), turn: null });
    this.#bytes += cut.length;
    this.#go();
  }

  /**
   * Another mask begins with what comes from here on: `step` puts it in place, once all that came before was released. It is
   * read by `reader` from here on, and `classifiers` are asked. Throws as `push` does.
   */
  turn(reader: AnswerMask, classifiers: readonly Classifier[], step: () => void): void {
    if (this.#over) return;
    const { texts } = this.#parts;
    this.#reader.end();
    this.#reader = reader;
    this.#classifiers = classifiers;
    const align = texts.turn();
    const taken = (): void =>
      this.#sink.behind(() => {
        align();
        step();
      });
    this.#held.push({ bytes: NOTHING, mark: texts.mark(), turn: taken });
    this.#go();
  }

  /** Forgets what is held; nothing more is released. */
  drop(): void {
    this.#over = true;
    this.#held = [];
    this.#bytes = 0;
    this.#stopTimer();
  }

  #take(bytes: Buffer): void {
    const { splitter } = this.#parts;
    if (splitter !== null) for (const frame of splitter.push(bytes)) this.#hold(frame);
    else if (bytes.length > 0) this.#hold(bytes);
  }

  #hold(bytes: Buffer): void {
    this.#reader.push(bytes);
    this.#held.push({ bytes, mark: this.#parts.texts.mark(), turn: null });
    this.#bytes += bytes.length;
  }

  #go(): void {
    this.#ask();
    this.#release();
    if (this.full) this.#sink.pause();
    if (this.#bytes > MOST_STUCK)
      throw new Failure('answer-unreadable', `expected texts that end within ${MOST_STUCK} bytes`);
  }

  /** Asks about everything that is ready, as far as questions may be under way. */
  #ask(): void {
    const { texts } = this.#parts;
    while (!this.#over && this.#asked < MOST_ASKED) {
      const batch = texts.take();
      if (batch === null) break;
      this.#asked++;
      void this.#askAll(batch);
    }
    if (texts.waits || !this.#begun) this.#timer ??= setTimeout(this.#late, this.#parts.patience).unref();
    else this.#stopTimer();
  }

  readonly #late = (): void => {
    this.#timer = null;
    this.#begun = true;
    this.#parts.texts.late();
    this.#sink.guarded(() => this.#go());
  };

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #askAll(batch: Batch): Promise<void> {
    const { classification } = this.#parts;
    try {
      const found = await Promise.all(
        this.#classifiers.map((classifier) => classification.ask(classifier, 'answer', batch.texts)),
      );
      this.#asked--;
      if (this.#over) return;
      this.#sink.guarded(() => this.#settle(batch, found));
    } catch (cause) {
      this.#asked--;
      if (this.#over) return;
      this.#sink.fail(
        cause instanceof Failure ? cause : new Failure('internal', 'a classifier was not asked', { cause }),
      );
    }
  }

  #settle(batch: Batch, found: readonly (readonly (readonly Finding[])[])[]): void {
    batch.settle(batch.texts.map((_, at) => found.flatMap((each) => each[at] ?? [])));
    this.#sink.learnt();
    this.#begun = true;
    this.#ask();
    this.#release();
    if (!this.full) this.#sink.resume();
  }

  #release(): void {
    if (this.#over || !(this.#begun || (this.#ended && this.#asked === 0))) return;
    // of a whole answer nothing is known before its end, and then all at once
    if (this.#reader.kind === 'whole' && !(this.#ended && this.#held.every(({ mark }) => mark.isSettled()))) return;
    const count = this.#held.findIndex(({ mark }) => !mark.isSettled());
    this.#leave(this.#held.splice(0, count === -1 ? this.#held.length : count));
    // what was released may have ended the answer
    if (this.#over || !this.#ended || this.#held.length > 0) return;
    this.#over = true;
    this.#stopTimer();
    this.#sink.released();
  }

  #leave(free: readonly Held[]): void {
    if (this.#parts.messages) return free.forEach((each) => this.#leaveOne(each));
    const [first] = free;
    const bytes =
      free.length === 1 && first !== undefined ? first.bytes : Buffer.concat(free.map((each) => each.bytes));
    this.#bytes -= bytes.length;
    // an answer has an end: all of it is remembered until then
    if (bytes.length > 0) this.#sink.release(bytes, () => {});
  }

  #leaveOne({ bytes, mark, turn }: Held): void {
    if (this.#over) return;
    this.#bytes -= bytes.length;
    turn?.();
    if (bytes.length > 0) this.#sink.release(bytes, mark.left);
    else mark.left();
  }
}

const NOTHING = Buffer.alloc(0);
