/**
 * Reads the patterns that operators write, and renders them in the subset of `syntax.ts`, from which everything else is
 * derived. They are written as everywhere: groups, classes, counts, `\d`, `\w`, `\s`, `\b`, `(?i)` in front. What has no
 * place in a text that is scanned once and may come in pieces is refused with the reason: lookaround, references to
 * groups, `^` and `$`, lazy repeats.
 *
 * A repeat without an end is read in two ways. At the end of the pattern the finding is decided once the repeat has been
 * seen often enough, and whatever more of it there is belongs to it. Elsewhere a bound must be given.
 */

import { fold } from './fold.ts';
import { LETTERS } from './fragments.ts';

/** A pattern, rendered. */
export interface OwnPattern {
  readonly pattern: RegExp;
  /** The inside of a class: the finding goes on as long as units are in it. Null: it ends where the pattern ends. */
  readonly goesOn: string | null;
}

/** How a pattern is to be read. */
export interface PatternOptions {
  readonly ignoreCase: boolean;
  /** How often a repeat without an end repeats at most where it is not at the end; null: such a pattern is refused. */
  readonly mostRepeats: number | null;
}

/** What an operator wrote, as a tree. `one` is one character; `inside` is what stands between its brackets. */
type Part =
  | { readonly kind: 'one'; readonly inside: string; readonly wide: boolean }
  | { readonly kind: 'seq'; readonly items: readonly Part[] }
  | { readonly kind: 'alt'; readonly options: readonly Part[] }
  | {
      readonly kind: 'repeat';
      readonly item: Part;
      readonly min: number;
      readonly max: number | null;
      readonly at: number;
    }
  /** `\b` */
  | { readonly kind: 'edge'; readonly at: number };

/** What `\b` is the edge of: words of Latin, Greek and Cyrillic letters, digits and underscores. */
export const WORD = `A-Za-z0-9_${LETTERS}`;
const NO_WORD_AHEAD = `(?![${WORD}])`;
const WORD_AHEAD = `(?=[${WORD}])`;
const NO_WORD_BEHIND = `(?<![${WORD}])`;
const WORD_BEHIND = `(?<=[${WORD}])`;

const CLASSES = new Set('dDwWsS');
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };
/** Longer ones are no pattern but a list. */
const LONGEST = 4096;
const MOST_NESTED = 50;

/** Returns a character as it stands in a pattern or class, whatever it is. */
export const spelled = (unit: string): string =>
  /[A-Za-z0-9]/.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

class Reader {
  readonly #source: string;
  #at: number;
  #depth = 0;

  constructor(source: string, from: number) {
    this.#source = source;
    this.#at = from;
  }

  read(): Part {
    const part = this.#alternatives();
    if (this.#at < this.#source.length) this.#refuse('there is no group that ) ends');
    return part;
  }

  #refuse(what: string, at = this.#at): never {
    throw new Error(`${what}, at character ${at + 1} of the pattern`);
  }

  #peek(): string {
    return this.#source.charAt(this.#at);
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #takeMatch(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#source);
    if (match !== null) this.#at = expression.lastIndex;
    return match;
  }

  #alternatives(): Part {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: 'alt', options };
  }

  #sequence(): Part {
    const items: Part[] = [];
    while (this.#at < this.#source.length && this.#peek() !== '|' && this.#peek() !== ')') items.push(this.#repeated());
    return { kind: 'seq', items };
  }

  #repeated(): Part {
    const at = this.#at;
    const item = this.#atom();
    const counts = this.#counts();
    if (counts === null) return item;
    if (item.kind === 'edge') this.#refuse('an edge cannot be repeated', at);
    if (/[*+?]/.test(this.#peek()))
      this.#refuse('lazy and possessive repeats are not read: a finding is as long as it can be');
    if (this.#counts() !== null) this.#refuse('a repeat cannot be repeated', at);
    const [min, max] = counts;
    if (max !== null && max < min) this.#refuse(`expected counts in order, found ${min} ahead of ${max}`, at);
    return { kind: 'repeat', item, min, max, at };
  }

  #counts(): readonly [number, number | null] | null {
    if (this.#take('?')) return [0, 1];
    if (this.#take('*')) return [0, null];
    if (this.#take('+')) return [1, null];
    const match = this.#takeMatch(/\{(\d{1,4})(,(\d{1,4})?)?\}/y);
    if (match === null) return null;
    const [, min, comma, max] = match;
    if (comma === undefined) return [Number(min), Number(min)];
    return [Number(min), max === undefined ? null : Number(max)];
  }

  #atom(): Part {
    const at = this.#at;
    if (this.#take('(')) return this.#group(at);
    if (this.#take('[')) return this.#class(at);
    if (this.#take('.')) return { kind: 'one', inside: '^\\n', wide: true };
    if (this.#take('\\')) return this.#escape(at);
    const character = this.#peek();
    if (character === '^' || character === '$')
      this.#refuse(`${character} is not read: a text goes on ahead of and behind what is seen of it`);
    if (/[*+?{]/.test(character)) this.#refuse(`${character} repeats nothing; write \\${character} for the character`);
    return this.#literal();
  }

  /** Reads one character of the text, both halves of it. */
  #literal(): Part {
    const code = this.#source.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return literal(code);
  }

  #group(at: number): Part {
    if (this.#takeMatch(/\?<?[=!]/y) !== null)
      this.#refuse('lookaround is not read; `context` asks for words ahead', at);
    const named = this.#takeMatch(/\?P?<[A-Za-z_]\w*>/y) !== null;
    if (!named && this.#peek() === '?' && !this.#take('?:'))
      this.#refuse('only (?:…), (?<name>…) and (?i) in front are read', at);
    if (++this.#depth > MOST_NESTED) this.#refuse(`groups are nested more than ${MOST_NESTED} deep`, at);
    const part = this.#alternatives();
    this.#depth -= 1;
    if (!this.#take(')')) this.#refuse('a group has no end', at);
    return part;
  }

  #escape(at: number): Part {
    const letter = this.#peek();
    if (letter === 'b') {
      this.#at += 1;
      return { kind: 'edge', at };
    }
    if (CLASSES.has(letter)) {
      this.#at += 1;
      return { kind: 'one', inside: `\\${letter}`, wide: letter < 'a' };
    }
    return literal(this.#escaped(at));
  }

  /** Reads what follows a backslash and stands for one character. */
  #escaped(at: number): number {
    const hex = this.#takeMatch(/x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|[ux]\{([0-9A-Fa-f]{1,6})\}/y);
    if (hex !== null) {
      const code = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16);
      return code > 0x10ffff ? this.#refuse('there is no such character', at) : code;
    }
    const character = this.#peek();
    if (character === '') this.#refuse('nothing follows \\', at);
    if (/[1-9k]/.test(character)) this.#refuse('references to groups are not read', at);
    const control = CONTROLS[character];
    if (control === undefined && /[A-Za-z0-9]/.test(character)) this.#refuse(`\\${character} is not read`, at);
    const code = this.#source.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return control === undefined ? code : control.charCodeAt(0);
  }

  #class(at: number): Part {
    const negated = this.#take('^');
    let inside = '';
    let first = true;
    while (first || !this.#take(']')) {
      first = false;
      if (this.#at >= this.#source.length) this.#refuse('a class has no end', at);
      if (this.#take(']')) this.#refuse(negated ? '[^] is not read; write . or \\s and \\S' : 'a class is empty', at);
      inside += this.#member();
    }
    return { kind: 'one', inside: negated ? `^${inside}` : inside, wide: negated || /\\[DWS]/.test(inside) };
  }

  /** Reads one character, range or class of a class. */
  #member(): string {
    const at = this.#at;
    if (this.#takeMatch(/\[[:.=]/y) !== null) this.#refuse('POSIX classes are not read; write a-z, \\d or \\s', at);
    const named = this.#takeMatch(/\\([dDwWsS])/y);
    if (named !== null) return named[0];
    const first = this.#ofClass();
    if (this.#takeMatch(/-(?=[^\]])/y) === null) return spelled(folded(first));
    const last = this.#ofClass();
    const [from, to] = bothFolded(first, last);
    if (from > to) this.#refuse('a range ends ahead of its beginning', at);
    return `${spelled(String.fromCharCode(from))}-${spelled(String.fromCharCode(to))}`;
  }

  #ofClass(): number {
    const at = this.#at;
    let code: number;
    if (this.#take('\\')) code = this.#escaped(at);
    else {
      code = this.#source.codePointAt(this.#at) ?? this.#refuse('a class has no end');
      this.#at += code > 0xffff ? 2 : 1;
    }
    if (code > 0xffff) this.#refuse('a class holds a character beyond U+FFFF; write (?:…|…)', at);
    return code;
  }
}

const folded = (code: number): string => fold(String.fromCharCode(code));

/** A range of what is read as ASCII is one of ASCII; any other stays what it is. */
const bothFolded = (first: number, last: number): readonly [number, number] => {
  const from = folded(first).charCodeAt(0);
  const to = folded(last).charCodeAt(0);
  return from !== first && to !== last ? [from, to] : [first, last];
};

const literal = (code: number): Part => {
  const units = String.fromCodePoint(code)
    .split('')
    .map((unit): Part => ({ kind: 'one', inside: spelled(fold(unit)), wide: false }));
  const [only] = units;
  return units.length === 1 && only !== undefined ? only : { kind: 'seq', items: units };
};

/** Whether what a class holds are characters of words. */
type Wordness = 'word' | 'other' | 'mixed';

const wordness = (sources: readonly string[], flags: string): Wordness => {
  const isWord = new RegExp(`[${WORD}]`);
  const one = new RegExp(`^(?:${sources.join('|')})$`, flags);
  let word = false;
  let other = false;
  for (let unit = 0; unit < 0x10000; unit++) {
    const character = String.fromCharCode(unit);
    if (!one.test(character)) continue;
    if (isWord.test(character)) word = true;
    else other = true;
    if (word && other) return 'mixed';
  }
  return word ? 'word' : 'other';
};

/** The classes that a part may begin, or end, with; `empty`: it may also be nothing. */
interface Outer {
  readonly sources: readonly string[];
  readonly empty: boolean;
}

const outerOf = (part: Part, end: 'first' | 'last'): Outer => {
  switch (part.kind) {
    case 'one':
      return { sources: [`[${part.inside}]`], empty: false };
    case 'edge':
      return { sources: [], empty: true };
    case 'repeat': {
      const { sources, empty } = outerOf(part.item, end);
      return { sources, empty: empty || part.min === 0 };
    }
    case 'alt': {
      const all = part.options.map((option) => outerOf(option, end));
      return { sources: all.flatMap(({ sources }) => sources), empty: all.some(({ empty }) => empty) };
    }
  }
  const sources: string[] = [];
  for (const item of end === 'first' ? part.items : part.items.toReversed()) {
    const outer = outerOf(item, end);
    sources.push(...outer.sources);
    if (!outer.empty) return { sources, empty: false };
  }
  return { sources, empty: true };
};

/** Renders parts in the subset. */
class Renderer {
  readonly #options: PatternOptions;
  readonly #flags: string;

  constructor(options: PatternOptions, flags: string) {
    this.#options = options;
    this.#flags = flags;
  }

  /** `ahead`: what stands ahead of the part in the whole pattern. */
  render(part: Part, ahead: Part): string {
    switch (part.kind) {
      case 'one':
        return oneOf(part);
      case 'alt':
        return `(?:${part.options.map((option) => this.render(option, ahead)).join('|')})`;
      case 'edge':
        return this.#edge(part.at, ahead, NOTHING);
      case 'repeat':
        return this.#repeat(part, ahead);
    }
    return part.items
      .map((item, at) => {
        const before: Part = { kind: 'seq', items: [ahead, ...part.items.slice(0, at)] };
        if (item.kind !== 'edge') return this.render(item, before);
        return this.#edge(item.at, before, { kind: 'seq', items: part.items.slice(at + 1) });
      })
      .join('');
  }

  #wordness({ sources, empty }: Outer): Wordness {
    return empty || sources.length === 0 ? 'mixed' : wordness(sources, this.#flags);
  }

  #repeat({ item, min, max, at }: Part & { kind: 'repeat' }, ahead: Part): string {
    const most = max ?? this.#options.mostRepeats;
    const where = `, at character ${at + 1} of the pattern`;
    if (most === null)
      throw new Error(
        `expected a bound for a repeat that is not at the end, for example {1,64}, or \`max_repeat\`${where}`,
      );
    if (outerOf(item, 'first').empty) throw new Error(`what may be empty cannot be repeated${where}`);
    if (Math.max(min, most) > MOST_COUNT) throw new Error(`expected counts of at most ${MOST_COUNT}${where}`);
    // What is ahead of the second time may be the first.
    const before: Part = { kind: 'seq', items: [ahead, { kind: 'repeat', item, min: 0, max: 1, at }] };
    return `(?:${this.render(item, most > 1 ? before : ahead)}){${min},${Math.max(min, most)}}`;
  }

  #edge(at: number, ahead: Part, behind: Part): string {
    if (outerOf(ahead, 'last').sources.length === 0) {
      const next = this.#wordness(outerOf(behind, 'first'));
      if (next !== 'mixed') return next === 'word' ? NO_WORD_BEHIND : WORD_BEHIND;
      return `(?:${NO_WORD_BEHIND}${WORD_AHEAD}|${WORD_BEHIND}${NO_WORD_AHEAD})`;
    }
    const is = this.#wordness(outerOf(ahead, 'last'));
    if (is !== 'mixed') return is === 'word' ? NO_WORD_AHEAD : WORD_AHEAD;
    throw new Error(
      `\\b can stand at the beginning, or behind what is always, or never, a letter or digit, at character ${at + 1} of the pattern`,
    );
  }
}

const NOTHING: Part = { kind: 'seq', items: [] };

/** No match looks further. */
const MOST_COUNT = 320;

const ALONE = /^(?:[A-Za-z0-9]|\\u[0-9a-f]{4}|\\[dws])$/;

/** A character that is not named one by one may be one of two halves. */
const oneOf = ({ inside, wide }: Part & { kind: 'one' }): string => {
  if (!wide) return ALONE.test(inside) ? inside : `[${inside}]`;
  const narrow = inside.startsWith('^') ? `[${inside}\\ud800-\\udfff]` : null;
  const pair = '[\\ud800-\\udbff][\\udc00-\\udfff]';
  if (narrow !== null) return `(?:${narrow}|${pair})`;
  // `\D`, `\W` or `\S`, alone or among others: spelled as what is in it and is no half.
  return `(?:(?![\\ud800-\\udfff])[${inside}]|${pair})`;
};

/** Splits off a last repeat without an end of one character. */
const splitEnd = (part: Part): { readonly head: Part; readonly goesOn: string | null } => {
  const items = part.kind === 'seq' ? part.items : [part];
  // The finding is decided before it is over, so what would have to follow it is not asked.
  const end = items.at(-1)?.kind === 'edge' ? items.length - 1 : items.length;
  const last = items[end - 1];
  if (last?.kind !== 'repeat' || last.max !== null || last.item.kind !== 'one') return { head: part, goesOn: null };
  const head: Part = { kind: 'seq', items: [...items.slice(0, end - 1), { ...last, max: last.min }] };
  return { head, goesOn: last.item.inside };
};

/** Returns a pattern in the subset. Throws an Error that says what is not read, why, and where. */
export const readOwnPattern = (source: string, options: PatternOptions): OwnPattern => {
  if (source.length > LONGEST)
    throw new Error(`expected a pattern of at most ${LONGEST} characters; \`words\` takes lists`);
  const inline = source.startsWith('(?i)');
  const flags = inline || options.ignoreCase ? 'i' : '';
  const whole = new Reader(source, inline ? 4 : 0).read();
  const { head, goesOn } = splitEnd(whole);
  return { pattern: new RegExp(new Renderer(options, flags).render(head, NOTHING), flags), goesOn };
};
