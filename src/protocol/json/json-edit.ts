/** Editing a JSON text in place: what is not replaced stays, character for character. */

import type { JsonStep } from '../../call.ts';
import { endOfLiteral, endOfString, endOfValue, isSpace } from './json-lexer.ts';

/** What an edit does to the values that it meets, in the order of the text. Paths are reused: copy one to keep it. */
export interface JsonEdit {
  /**
   * Returns what stands for this string value; the same string leaves its spelling alone. `at` is the index of its
   * opening quote.
   */
  string(path: readonly JsonStep[], value: string, at: number): string;
  /** Returns what stands for this member name of the object at `path`. */
  name?(path: readonly JsonStep[], name: string): string;
  /** Returns what stands for this number, `true`, `false` or `null`, as it is spelled. */
  literal?(path: readonly JsonStep[], raw: string): string;
  /** Returns true for a value that is not to be shown: `[]` stands for an array, `null` for anything else. */
  withhold?(path: readonly JsonStep[]): boolean;
}

const COMMA = 0x2c;

/**
 * One pass over a valid JSON text. `at` is the next character to read, `kept` the first one that is not yet in `out`.
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

  run(): string {
    this.value();
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

  /** Reads the string at `at` and leaves `at` behind its closing quote. */
  private token(): string {
    const open = this.at;
    const close = endOfString(this.text, open);
    this.at = close + 1;
    const inner = this.text.slice(open + 1, close);
    return inner.includes('\\') ? String(JSON.parse(this.text.slice(open, close + 1))) : inner;
  }

  private value(): void {
    const code = this.space();
    if (code === 0x22) return this.string();
    if (code === 0x7b) return this.object();
    if (code === 0x5b) return this.array();
    this.literal();
  }

  private literal(): void {
    const from = this.at;
    this.at = endOfLiteral(this.text, from);
    if (this.edit.literal === undefined) return;
    const raw = this.text.slice(from, this.at);
    const replacement = this.edit.literal(this.path, raw);
    if (replacement !== raw) this.splice(from, replacement);
  }

  private string(): void {
    const from = this.at;
    const value = this.token();
    const replacement = this.edit.string(this.path, value, from);
    if (replacement !== value) this.splice(from, JSON.stringify(replacement));
  }

  private object(): void {
    this.at++;
    if (this.space() === 0x7d) {
      this.at++;
      return;
    }
    for (let more = true; more; more = this.text.charCodeAt(this.at++) === COMMA) {
      this.space();
      const name = this.name();
      this.space();
      this.at++; // the colon
      this.path.push(name);
      this.item();
      this.path.pop();
      this.space();
    }
  }

  private name(): string {
    const from = this.at;
    const name = this.token();
    const replacement = this.edit.name?.(this.path, name) ?? name;
    if (replacement !== name) this.splice(from, JSON.stringify(replacement));
    return name;
  }

  private array(): void {
    this.at++;
    if (this.space() === 0x5d) {
      this.at++;
      return;
    }
    const depth = this.path.length;
    for (let more = true, i = 0; more; more = this.text.charCodeAt(this.at++) === COMMA, i++) {
      this.path[depth] = i;
      this.item();
      this.space();
    }
    this.path.pop();
  }

  private item(): void {
    if (this.edit.withhold?.(this.path) === true) return this.withheld();
    this.value();
  }

  private withheld(): void {
    const code = this.space();
    const from = this.at;
    this.at = endOfValue(this.text, from);
    const shown = code === 0x5b ? '[]' : 'null';
    if (this.text.slice(from, this.at) !== shown) this.splice(from, shown);
  }
}

/**
 * Returns the JSON text with the edit applied; the very same text when nothing changed. The text must be valid JSON.
 * Two changed names of one object may come out alike: whoever changes names reads the result strictly again.
 */
export const editJson = (text: string, edit: JsonEdit): string => new Editor(text, edit).run();
