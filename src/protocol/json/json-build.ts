/**
 * The slow reader of valid JSON, for texts that spell a member name with an escape.
 *
 * V8 reads such a name wrongly when an object seen earlier in the process has a member whose name is the raw spelling,
 * cut to the length of the name (nodejs/node#63785): after `{"mode\\":0}`, the name `"mode\u006c"` reads as `mode\`.
 * A caller could hide `model` or `n` from policy that way, so names with escapes are never left to JSON.parse.
 */

import { endOfLiteral, endOfString, isSpace } from './json-lexer.ts';
import { nonFiniteOf } from './non-finite.ts';

/** Why a valid text is not read. */
type Unbuilt = 'repeated name' | 'too deep';

/** What the builder returns: the value, or why there is none. */
export type Built =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly why: Unbuilt };

const REFUSED = Symbol('refused');

/** Reads a number out of its own text. */
type ReadNumber = (source: string) => unknown;

const FIRST_LETTER = 0x61;

class Builder {
  readonly text: string;
  readonly readNumber: ReadNumber;
  at = 0;
  why: Unbuilt = 'too deep';

  constructor(text: string, readNumber: ReadNumber) {
    this.text = text;
    this.readNumber = readNumber;
  }

  /** Moves to the next character that is not white space and returns its code. */
  space(): number {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++;
    return this.text.charCodeAt(this.at);
  }

  private token(end: number): string {
    const raw = this.text.slice(this.at, end);
    this.at = end;
    return raw;
  }

  /** A string token alone is a value, not a name: JSON.parse reads it well. */
  private string(): string {
    return String(JSON.parse(this.token(endOfString(this.text, this.at) + 1)));
  }

  /** `true`, `false`, `null` or a number, finite or not. */
  private literal(code: number): unknown {
    const raw = this.token(endOfLiteral(this.text, this.at));
    const nonFinite = nonFiniteOf(raw);
    if (nonFinite !== null) return nonFinite;
    return code >= FIRST_LETTER ? JSON.parse(raw) : this.readNumber(raw);
  }

  value(depth: number): unknown {
    const code = this.space();
    if (code === 0x22) return this.string();
    if (code !== 0x7b && code !== 0x5b) return this.literal(code);
    if (depth === 0) return REFUSED;
    return code === 0x7b ? this.object(depth - 1) : this.array(depth - 1);
  }

  private array(depth: number): unknown {
    const items: unknown[] = [];
    this.at++;
    if (this.space() === 0x5d) {
      this.at++;
      return items;
    }
    do {
      const item = this.value(depth);
      if (item === REFUSED) return REFUSED;
      items.push(item);
      this.space();
    } while (this.text[this.at++] === ',');
    return items;
  }

  private object(depth: number): unknown {
    const members: [string, unknown][] = [];
    this.at++;
    if (this.space() === 0x7d) {
      this.at++;
      return {};
    }
    do {
      this.space();
      const name = this.string();
      this.space();
      this.at++; // the colon
      const value = this.value(depth);
      if (value === REFUSED) return REFUSED;
      members.push([name, value]);
      this.space();
    } while (this.text[this.at++] === ',');
    if (new Set(members.map(([name]) => name)).size === members.length) return Object.fromEntries(members);
    this.why = 'repeated name';
    return REFUSED;
  }
}

/**
 * Returns the value of a valid JSON text, or why it is refused: an object repeats a name, or it nests deeper than
 * `depth`. Numbers are what `readNumber` makes of them. The text must be valid JSON.
 */
export const buildJson = (text: string, depth: number, readNumber: ReadNumber = Number): Built => {
  const builder = new Builder(text, readNumber);
  const value = builder.value(depth);
  return value === REFUSED ? { kind: 'refused', why: builder.why } : { kind: 'value', value };
};
