/**
 * Reads patterns into syntax trees. It reads the subset of ECMAScript regular expressions (ECMA-262 §22.2.1) whose
 * matches have a bound and whose behaviour at the end of a buffer can be derived; all else is refused: unbounded and
 * lazy repeats, captures, backreferences, `^`, `$`, `.`, `\b`, and every flag but `i`.
 */

import { complement, foldCase, NONE, range, type UnitSet, unitsOf } from './unit-set.ts';

/** A syntax tree. `set` consumes exactly one UTF-16 unit. */
export type Node =
  | { readonly kind: 'set'; readonly source: string; readonly units: UnitSet }
  | { readonly kind: 'seq'; readonly items: readonly Node[] }
  | { readonly kind: 'alt'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'look'; readonly ahead: boolean; readonly negative: boolean; readonly body: Node };

const DIGIT = range(0x30, 0x39);
const WORD = DIGIT | range(0x41, 0x5a) | range(0x61, 0x7a) | unitsOf('_');
const SPACE = unitsOf('\t\n\v\f\r \u00a0');

const CLASSES: Readonly<Record<string, UnitSet>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

const LOOKS: Readonly<Record<string, { readonly ahead: boolean; readonly negative: boolean }>> = {
  '(?=': { ahead: true, negative: false },
  '(?!': { ahead: true, negative: true },
  '(?<=': { ahead: false, negative: false },
  '(?<!': { ahead: false, negative: true },
};

class Parser {
  readonly #source: string;
  readonly #fold: (units: UnitSet) => UnitSet;
  #at = 0;

  constructor(pattern: RegExp) {
    if (pattern.flags !== '' && pattern.flags !== 'i') throw new Error(`flags /${pattern.flags} are not in the subset`);
    this.#source = pattern.source;
    this.#fold = pattern.ignoreCase ? foldCase : (units) => units;
  }

  parse(): Node {
    const node = this.#alternatives();
    if (this.#at < this.#source.length) this.#refuse('unbalanced )');
    return node;
  }

  #refuse(what: string): never {
    throw new Error(`${what} at ${this.#at} of /${this.#source}/ is not in the subset`);
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Takes what a sticky expression matches here, or refuses. */
  #takeMatch(expression: RegExp, what: string): RegExpExecArray {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#source) ?? this.#refuse(what);
    this.#at = expression.lastIndex;
    return match;
  }

  #alternatives(): Node {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'alt', options };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source.charAt(this.#at))) items.push(this.#repeated());
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'seq', items };
  }

  #repeated(): Node {
    const item = this.#atom();
    const [min, max] = this.#counts();
    if (/[?*+{]/.test(this.#source.charAt(this.#at))) this.#refuse('unbounded, lazy or doubled repeat');
    if (min === 1 && max === 1) return item;
    if (item.kind === 'look') this.#refuse('repeated lookaround');
    return { kind: 'repeat', item, min, max };
  }

  #counts(): readonly [number, number] {
    if (this.#take('?')) return [0, 1];
    if (this.#source.charAt(this.#at) !== '{') return [1, 1];
    const [, min, max] = this.#takeMatch(/\{(\d{1,3})(?:,(\d{1,3}))?\}/y, 'unbounded repeat');
    return [Number(min), Number(max ?? min)];
  }

  #atom(): Node {
    for (const [opening, look] of Object.entries(LOOKS)) {
      if (this.#take(opening)) return { kind: 'look', ...look, body: this.#closed() };
    }
    if (this.#take('(?:')) return this.#closed();
    const start = this.#at;
    const units = this.#fold(this.#take('[') ? this.#class() : this.#unit('^$.*+?(){}[]'));
    return { kind: 'set', source: this.#source.slice(start, this.#at), units };
  }

  #closed(): Node {
    const node = this.#alternatives();
    if (!this.#take(')')) this.#refuse('unclosed group');
    return node;
  }

  #class(): UnitSet {
    const negated = this.#take('^');
    let units = NONE;
    while (!this.#take(']')) {
      const from = this.#at;
      const first = this.#unit('[');
      units |= /-[^\]]/y.test(this.#source.slice(this.#at)) ? this.#range(from) : first;
    }
    // OTHER in `units` means some of the rest, never all of it, so the complement keeps it too.
    return negated ? complement(this.#fold(units)) : units;
  }

  #range(from: number): UnitSet {
    this.#at = from;
    const first = this.#character('[');
    this.#take('-');
    return range(first, this.#character('['));
  }

  /** Reads one character or class escape outside or inside a class; `special` is what must be escaped there. */
  #unit(special: string): UnitSet {
    const named = CLASSES[this.#source.charAt(this.#at + 1)];
    if (this.#source.charAt(this.#at) === '\\' && named !== undefined) {
      this.#at += 2;
      return named;
    }
    const code = this.#character(special);
    return range(code, code);
  }

  #character(special: string): number {
    if (this.#take('\\')) return this.#escaped();
    const character = this.#source.charAt(this.#at);
    if (character === '' || special.includes(character)) this.#refuse(`bare ${character || 'end'}`);
    this.#at += 1;
    return character.charCodeAt(0);
  }

  #escaped(): number {
    if (/[xu]/.test(this.#source.charAt(this.#at))) {
      const [, two, four] = this.#takeMatch(/x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})/y, 'escape');
      return Number.parseInt(two ?? four ?? '', 16);
    }
    const [character] = this.#takeMatch(/[nrt]|[^A-Za-z0-9]/y, 'escape');
    return (CONTROLS[character] ?? character).charCodeAt(0);
  }
}

/** Returns the syntax tree of a pattern. Throws an Error that says what is outside the subset and where. */
export const parsePattern = (pattern: RegExp): Node => new Parser(pattern).parse();
