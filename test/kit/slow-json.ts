/** A slow, obvious JSON parser (RFC 8259) for tests: it shares no code with the strict reader. */

class Broken extends Error {}

/** What the slow parser makes of a text. */
export type SlowReading =
  | { readonly kind: 'good'; readonly value: unknown }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'broken' };

/** Returns whether the text is JSON, is JSON that repeats a member name, or is not JSON. */
export const slowJson = (text: string): SlowReading => {
  let at = 0;
  let repeated = false;
  const space = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text[at] ?? '')) at++;
  };
  const expectChar = (char: string): void => {
    if (text[at] !== char) throw new Broken();
    at++;
  };
  const string = (): string => {
    expectChar('"');
    let value = '';
    for (;;) {
      const char = text[at++];
      if (char === undefined || char < ' ') throw new Broken();
      if (char === '"') return value;
      if (char !== '\\') {
        value += char;
        continue;
      }
      const escape = text[at++] ?? '';
      const plain = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[escape];
      if (plain !== undefined) value += plain;
      else {
        const hex = text.slice(at, at + 4);
        if (escape !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) throw new Broken();
        value += String.fromCharCode(Number.parseInt(hex, 16));
        at += 4;
      }
    }
  };
  const value = (): unknown => {
    space();
    const char = text[at];
    let result: unknown;
    if (char === '"') result = string();
    else if (char === '{') result = object();
    else if (char === '[') result = array();
    else {
      const scalar = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)/.exec(text.slice(at));
      if (scalar === null) throw new Broken();
      at += scalar[0].length;
      result = { true: true, false: false, null: null }[scalar[0]];
      if (result === undefined) result = Number(scalar[0]);
    }
    space();
    return result;
  };
  const array = (): unknown[] => {
    at++;
    space();
    const items: unknown[] = [];
    if (text[at] !== ']') {
      items.push(value());
      while (text[at] === ',') {
        at++;
        items.push(value());
      }
    }
    expectChar(']');
    return items;
  };
  const object = (): unknown => {
    at++;
    const members = new Map<string, unknown>();
    const member = (): void => {
      space();
      const name = string();
      if (members.has(name)) repeated = true;
      space();
      expectChar(':');
      members.set(name, value());
    };
    space();
    if (text[at] !== '}') {
      member();
      while (text[at] === ',') {
        at++;
        member();
      }
    }
    expectChar('}');
    return Object.fromEntries(members);
  };
  try {
    const read = value();
    if (at !== text.length) throw new Broken();
    return repeated ? { kind: 'repeated' } : { kind: 'good', value: read };
  } catch (error) {
    if (error instanceof Broken) return { kind: 'broken' };
    throw error;
  }
};
