/** The stretches ahead of rare characters that every match of some detectors contains. */

import { symbolOf } from './unit-set.ts';

/** A needle, and whose it is. */
export interface NeedleBit {
  readonly bit: number;
  readonly character: string;
  readonly gap: Uint8Array;
  readonly max: number;
}

/** The stretch ahead of the next needle, in which its detectors are worth trying. */
export class Window {
  readonly needle: NeedleBit;
  start = 0;
  end = 0;

  constructor(needle: NeedleBit) {
    this.needle = needle;
  }

  /** Moves to the first needle behind `at`; at the end of a text that may go on, more text may begin with one. */
  move(text: string, at: number, final: boolean): void {
    const { character, gap, max } = this.needle;
    const found = text.indexOf(character, at + 1);
    this.end = found >= 0 ? found : text.length;
    this.start = this.end;
    if (found < 0 && final) return;
    const least = Math.max(at, this.end - max);
    while (this.start > least && gap[symbolOf(text.charCodeAt(this.start - 1))] === 1) this.start -= 1;
  }
}
