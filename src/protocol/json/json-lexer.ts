/** The few facts of JSON's lexical grammar (RFC 8259 §2, §7) that reading and editing share. */

const BACKSLASH = 0x5c;

/** Returns true for the code of one of JSON's four white space characters. */
export const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** Returns the index of the quote that ends the string whose opening quote is at `open`; -1 when nothing ends it. */
export const endOfString = (text: string, open: number): number => {
  let close = text.indexOf('"', open + 1);
  for (;;) {
    if (close === -1) return -1;
    let first = close;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    // An even run of backslashes escapes itself and leaves the quote alone.
    if (((close - first) & 1) === 0) return close;
    close = text.indexOf('"', close + 1);
  }
};

/** Returns the index behind the number, `true`, `false` or `null` that begins at `start`. */
export const endOfLiteral = (text: string, start: number): number => {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // comma, closing bracket or brace
    if (code === 0x2c || code === 0x5d || code === 0x7d || isSpace(code)) break;
  }
  return at;
};

/** Returns the index behind the value that begins at `start`, which is not white space. The text must be valid JSON. */
export const endOfValue = (text: string, start: number): number => {
  let depth = 0;
  let at = start;
  do {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at) + 1;
    else if (code === 0x7b || code === 0x5b) {
      depth++;
      at++;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
      at++;
    } else if (code === 0x2c || code === 0x3a || isSpace(code)) at++;
    else at = endOfLiteral(text, at);
  } while (depth > 0);
  return at;
};

/** What a text looks like from far: how deep it nests, and how many arrays, objects and members it has. */
export interface Shape {
  readonly depth: number;
  readonly parts: number;
}

/** Returns the shape of a text, valid or not, up to where it nests deeper than `most`. What is in strings does not count. */
export const shapeOf = (text: string, most: number): Shape => {
  let depth = 0;
  let deepest = 0;
  let parts = 0;
  for (let at = 0; at < text.length && depth <= most; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(text, at);
      if (at === -1) break;
    } else if (code === 0x7b || code === 0x5b) {
      parts++;
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === 0x3a) parts++;
  }
  return { depth: deepest, parts };
};
