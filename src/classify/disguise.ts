/** What a classifier is shown of a text, and where what it finds there stands in the text itself. */

import type { Finding } from '../call.ts';

/** A text as it is shown. */
export interface Disguise {
  readonly text: string;
  /** Returns the index in what is shown of an index of the text that is in no finding. */
  shown(at: number): number;
  /**
   * Returns the stretch of the text for one of what is shown. It grows to whole findings: half of what a detector has
   * found would otherwise stay.
   */
  original(start: number, end: number): { readonly start: number; readonly end: number };
}

/** A stretch, in the text and in what is shown. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

const entityOf = (kind: string): string => kind.split('.', 1)[0] ?? kind;

/**
 * Returns how `text` is shown: with `masked`, each finding is replaced by its entity, `<EMAIL>`. `findings` are in order
 * and do not overlap. Lone surrogates, which JSON in UTF-8 cannot carry, are shown as U+FFFD.
 */
export function disguise(text: string, findings: readonly Finding[], masked: boolean): Disguise {
  const stretches: Stretch[] = [];
  let out = '';
  let at = 0;
  for (const { kind, start, end } of findings) {
    out += text.slice(at, start);
    const from = out.length;
    out += masked ? `<${entityOf(kind).toUpperCase()}>` : text.slice(start, end);
    stretches.push({ start, end, from, to: out.length });
    at = end;
  }
  out += text.slice(at);
  /** Moves an index by what the stretches ahead of it have grown or shrunk by. */
  const move = (index: number, to: 'shown' | 'original'): number => {
    let moved = index;
    for (const { end, to: last } of stretches) {
      if (index < (to === 'shown' ? end : last)) break;
      moved = to === 'shown' ? index - end + last : index - last + end;
    }
    return moved;
  };
  return {
    text: out.toWellFormed(),
    shown: (index) => move(index, 'shown'),
    original(start, end) {
      const cut = stretches.filter(({ from, to }) => from < end && to > start);
      const [first] = cut;
      const last = cut.at(-1);
      return {
        start: first !== undefined && first.from <= start ? first.start : move(start, 'original'),
        end: last !== undefined && last.to >= end ? last.end : move(end, 'original'),
      };
    },
  };
}
