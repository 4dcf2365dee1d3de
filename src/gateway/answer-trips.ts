/** What of an answer trips the wires, while it flows: whole texts, growing ones, and what tools are given. */

import type { Evidence, Finding, Injection, ToolCall, Trip } from '../call.ts';
import type { TextMasker, TextStream } from '../mask/text-masker.ts';
import { callTexts } from '../tripwire/call-texts.ts';
import { findCommands } from '../tripwire/commands.ts';
import { injectionEvidence, injectionOf } from '../tripwire/injection.ts';
import { type Digest, inSlices, WIDEST, withDigests } from '../tripwire/wire.ts';
import type { Steps } from '../turns.ts';
import type { CallState } from './underway.ts';

/** More are not told of one answer: it has tripped. */
const MOST = 64;
const PLACE = 'text';

/** The trips of one answer so far. */
export class AnswerTrips {
  readonly commands: Trip[] = [];
  readonly #evidence: Evidence[] = [];
  readonly #reads: { readonly commands: boolean; readonly injection: boolean };
  readonly #digest: Digest;
  readonly #told: (trip: Trip) => void;
  #calls = 0;

  /** `told` hears of each trip, with the digest of what stands there. */
  constructor(
    reads: { readonly commands: boolean; readonly injection: boolean },
    digest: Digest,
    told: (trip: Trip) => void,
  ) {
    this.#reads = reads;
    this.#digest = digest;
    this.#told = told;
  }

  get injection(): Injection {
    return injectionOf(this.#evidence);
  }

  /** How many there are. */
  get count(): number {
    return this.commands.length + this.#evidence.length;
  }

  /** Looks at the calls that have come since. */
  calls(calls: readonly ToolCall[]): void {
    for (; this.#calls < calls.length; this.#calls++) {
      const call = calls[this.#calls];
      if (call !== undefined) for (const text of callTexts(call)) this.#look(text, 'tool_call', WHOLE);
    }
  }

  /** Returns a masker that looks at what the model says before `masker` masks it. */
  watching(masker: TextMasker): TextMasker {
    return {
      whole: (text, found) => {
        this.#look(text, PLACE, WHOLE);
        return masker.whole(text, found);
      },
      steps: (text, found) => this.#steps(text, masker, found),
      stream: (found) => this.#stream(masker.stream(found)),
      session: (use) => this.watching(masker.session(use)),
      ...(masker.at === undefined ? {} : { at: (place) => this.watching(masker.at?.(place) ?? masker) }),
    };
  }

  *#steps(text: string, masker: TextMasker, found: (finding: Finding) => void): Steps<string> {
    if (this.#reads.commands && this.commands.length < MOST)
      this.#note(
        this.commands,
        yield* inSlices(text, (slice) => withDigests(findCommands(slice, PLACE), slice, this.#digest)),
      );
    if (this.#reads.injection && this.#evidence.length < MOST)
      this.#note(
        this.#evidence,
        yield* inSlices(text, (slice) => injectionEvidence([{ text: slice, place: PLACE }], this.#digest)),
      );
    return yield* masker.steps(text, found);
  }

  #stream(stream: TextStream): TextStream {
    let behind = '';
    return {
      push: (text) => {
        const all = behind + text;
        // what ends where the text ends for now may go on: `rm -rf /` is not yet known from `rm -rf /tmp/build`
        this.#look(all, PLACE, { from: behind.length, to: all.length });
        behind = all.slice(-WIDEST);
        return stream.push(text);
      },
      end: () => {
        this.#look(behind, PLACE, { from: behind.length, to: Infinity });
        return stream.end();
      },
      get held() {
        return stream.held;
      },
    };
  }

  /** Notes what ends from `from` on and before `to`. */
  #look(text: string, place: string, { from, to }: { readonly from: number; readonly to: number }): void {
    const isNew = ({ end }: Trip): boolean => end >= from && end < to;
    if (this.#reads.commands && this.commands.length < MOST)
      this.#note(this.commands, withDigests(findCommands(text, place).filter(isNew), text, this.#digest));
    if (this.#reads.injection && this.#evidence.length < MOST)
      this.#note(this.#evidence, injectionEvidence([{ text, place }], this.#digest).filter(isNew));
  }

  #note<T extends Trip>(known: T[], found: readonly T[]): void {
    known.push(...found);
    for (const trip of found) this.#told(trip);
  }
}

const WHOLE = { from: 0, to: Infinity };

/** Returns what watches the texts of a call's answer, null where no rule reads what trips the wires. */
export function watchTrips({ epoch: { policy, digest }, tripped }: CallState): AnswerTrips | null {
  const { readsCommands: commands, readsInjection: injection } = policy.answers;
  return commands || injection ? new AnswerTrips({ commands, injection }, digest, tripped) : null;
}
