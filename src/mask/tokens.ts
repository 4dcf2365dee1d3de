/**
 * The tokens of one call: which stands for which value, on the way to the model and back. They live as long as the call:
 * nothing that one caller said is ever put into the answer of another, nor into that of the next call.
 */

/** A longer value is not kept: its token stays in the answer. UTF-16 units. */
const LONGEST_VALUE = 64 * 1024;

/** What a token looks like. The bracket that closes it sees to it that none is the beginning of another. */
const TOKEN = /<[A-Z][A-Z0-9_]{0,63}_[0-9]{1,7}>/g;
/** What may yet become one. */
const BEGUN = /^<(?:[A-Z][A-Z0-9_]{0,71})?$/;
const LOOK_ALIKE = /[A-Z][A-Z0-9_]{0,63}_[0-9]{1,7}$/;
const LONGEST_NAME = 72;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/** Tokens and their values. */
export class Tokens {
  readonly #byDigest = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #values = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** True when a value can be put back. */
  get holdsValues(): boolean {
    return this.#values.size > 0;
  }

  /**
   * Passes over the tokens that stand in this text already, as JSON spells them or plainly: what a caller typed is never
   * taken for a token, and no value is put in its place.
   */
  passOver(bytes: Buffer): void {
    for (let at = bytes.indexOf(CLOSING); at !== -1; at = bytes.indexOf(CLOSING, at + 1)) {
      const before = bytes[at - 1] ?? 0;
      if (before < DIGIT_0 || before > DIGIT_9) continue;
      const [name] = LOOK_ALIKE.exec(bytes.toString('latin1', Math.max(0, at - LONGEST_NAME), at)) ?? [];
      if (name !== undefined) this.#taken.add(`<${name}>`);
    }
  }

  /** Returns the token of the value with this digest, the same for the same digest. `name`: the entity as masks call it. */
  tokenOf(name: string, digest: string): string {
    const known = this.#byDigest.get(digest);
    if (known !== undefined) return known;
    let count = this.#counts.get(name) ?? 0;
    let token: string;
    do token = `<${name}_${++count}>`;
    while (this.#taken.has(token));
    this.#counts.set(name, count);
    this.#byDigest.set(digest, token);
    return token;
  }

  /** Keeps a value to be put back for its token. */
  keep(token: string, value: string): void {
    if (value.length <= LONGEST_VALUE) this.#values.set(token, value);
  }

  /** Returns the text with the kept values put back. */
  restore(text: string): string {
    return text.includes('<') ? text.replaceAll(TOKEN, (token) => this.#values.get(token) ?? token) : text;
  }
}

const CLOSING = '>';

/** Puts values back into a text that comes in pieces. */
export class RestoredStream {
  readonly #tokens: Tokens;
  /** A value was put back. */
  changed = false;
  #rest = '';

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  /** How many units wait because they may be the beginning of a token; at most 73. */
  get held(): number {
    return this.#rest.length;
  }

  /** Takes the next piece; returns what may leave now. */
  push(text: string): string {
    const all = this.#rest + text;
    const last = all.lastIndexOf('<');
    const begun = last !== -1 && BEGUN.test(all.slice(last)) ? last : all.length;
    this.#rest = all.slice(begun);
    const whole = all.slice(0, begun);
    const out = this.#tokens.restore(whole);
    if (out !== whole) this.changed = true;
    return out;
  }

  /** Says that the text is over; returns the rest, which is no token. */
  end(): string {
    const rest = this.#rest;
    this.#rest = '';
    return rest;
  }
}
