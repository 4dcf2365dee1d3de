/** Editing a JSON text in place: what is not replaced stays, character for character. */

import type { JsonStep } from '../../call.ts';
import { atOnce, type Steps } from '../../turns.ts';
import { endOfLiteral, endOfString, endOfValue, isSpace } from './json-lexer.ts';

/** What an edit does to the values that it meets, in the order of the text. Paths are reused: copy one to keep it. */
export interface JsonEdit {
  /**
   * Returns what stands for this string value; the same string leaves its spelling alone. `at` is the index of its
   * opening quote.
   */
  string(path: readonly JsonStep[], value: string, at: number): string;
  /** Returns the same for a long value, in steps; undefined for one that `string` sees to. */
  long?(path: readonly JsonStep[], value: string): Steps<string> | undefined;
  /** Returns what stands for this member name of the object at `path`. */
  name?(path: readonly JsonStep[], name: string): string;
  /** Returns what stands for this number, `true`, `false` or `null`, as it is spelled. */
  literal?(path: readonly JsonStep[], raw: string): string;
  /** Returns true for a value that is not to be shown: `[]` stands for an array, `null` for anything else. */
  withhold?(path: readonly JsonStep[]): boolean;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const END_BRACKET = 0x5d;
const END_BRACE = 0x7d;

/** A pass over a text rests after so many characters, and a longer string is long. */
const LONG_STRING = 1 << 14;

/**
 * One pass over a valid JSON text. `at` is the next character to read, `kept` the first one that is not yet in `out`. Each
 * open array or object has one step in `path`: the index of its item, or the name of its member.
 */
class Editor {
  readonly text: string;
  readonly edit: JsonEdit;
  readonly path: JsonStep[] = [];
  at = 0;
  kept = 0;
  out = '';

  constructor(text: string, edit: JsonEdit) {
    this.text = text;
    this.edit = edit;
  }

  *steps(): Steps<string> {
    let rest = LONG_STRING;
    for (let more = true; more; ) {
      if (this.at >= rest) {
        rest = this.at + LONG_STRING;
        yield;
      }
      const isHidden = this.path.length > 0 && this.edit.withhold?.(this.path) === true;
      const code = this.space();
      if (isHidden) this.withheld(code);
      else if (code === QUOTE) {
        const from = this.at;
        const value = this.token();
        const steps = value.length > LONG_STRING ? this.edit.long?.(this.path, value) : undefined;
        this.replace(from, value, steps === undefined ? this.edit.string(this.path, value, from) : yield* steps);
      } else if (code !== BRACE && code !== BRACKET) this.literal();
      else if (this.opens(code)) continue;
      more = this.goesOn();
    }
    return this.kept === 0 ? this.text : this.out + this.text.slice(this.kept);
  }

  private space(): number {
    let code = this.text.charCodeAt(this.at);
    while (isSpace(code)) code = this.text.charCodeAt(++this.at);
    return code;
  }

  private splice(from: number, replacement: string): void {
    this.out += this.text.slice(this.kept, from) + replacement;
    this.kept = this.at;
  }

  private replace(from: number, value: string, replacement: string): void {
    if (replacement !== value) this.splice(from, JSON.stringify(replacement));
  }

  /** Reads the string at `at` and leaves `at` behind its closing quote. */
  private token(): string {
    const open = this.at;
    const close = endOfString(this.text, open);
    this.at = close + 1;
    const inner = this.text.slice(open + 1, close);
    return inner.includes('\\') ? String(JSON.parse(this.text.slice(open, close + 1))) : inner;
  }

  private literal(): void {
    const from = this.at;
    this.at = endOfLiteral(this.text, from);
    if (this.edit.literal === undefined) return;
    const raw = this.text.slice(from, this.at);
    const replacement = this.edit.literal(this.path, raw);
    if (replacement !== raw) this.splice(from, replacement);
  }

  /** Goes into the array or object that begins with `code`, to its first value; returns false when it has none. */
  private opens(code: number): boolean {
    this.at++;
    if (this.space() === (code === BRACE ? END_BRACE : END_BRACKET)) {
      this.at++;
      return false;
    }
    if (code === BRACE) this.path.push(this.name());
    else this.path.push(0);
    return true;
  }

  /** Goes on behind a value to the next one; returns false when there is none. */
  private goesOn(): boolean {
    const { path } = this;
    while (path.length > 0) {
      const code = this.space();
      this.at++;
      const step = path.pop() ?? '';
      if (code !== COMMA) continue;
      path.push(typeof step === 'number' ? step + 1 : this.name());
      return true;
    }
    return false;
  }

  /** Reads the member name at `at` and its colon; `path` leads to its object. */
  private name(): string {
    this.space();
    const from = this.at;
    const name = this.token();
    this.replace(from, name, this.edit.name?.(this.path, name) ?? name);
    this.space();
    this.at++;
    return name;
  }

  private withheld(code: number): void {
    const from = this.at;
    this.at = endOfValue(this.text, from);
    const shown = code === BRACKET ? '[]' : 'null';
    if (this.text.slice(from, this.at) !== shown) this.splice(from, shown);
  }
}

/**
 * Returns the JSON text with the edit applied; the very same text when nothing changed. The text must be valid JSON.
 * Two changed names of one object may come out alike: whoever changes names reads the result strictly again.
 */
export const editJson = (text: string, edit: JsonEdit): string => atOnce(new Editor(text, edit).steps());

/** Returns the same, in steps. */
export const editingJson = (text: string, edit: JsonEdit): Steps<string> => new Editor(text, edit).steps();
