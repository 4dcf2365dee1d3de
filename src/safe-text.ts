/** Makes text from outside harmless to the terminal it is shown on. */

/**
 * What a terminal could act on or a reader be fooled by: C0 and C1 controls and DEL (escape sequences start there), the
 * bidirectional controls (CVE-2021-42574) and whatever else shows nothing (Hangul fillers, the braille blank, tags),
 * line and paragraph separators, lone surrogates. The sixteen variation selectors of emoji stay.
 */
const UNSAFE = /(?![\ufe00-\ufe0f])[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]/gu;

const escaped = (char: string): string => {
  const code = char.codePointAt(0) ?? 0;
  return code > 0xff_ff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
};

/**
 * Returns `text` on one line, with every character that a terminal could act on written as `\uXXXX`.
 * Not reversible: it is for eyes, not for parsing.
 */
export const safeText = (text: string): string => text.replace(UNSAFE, escaped);

/**
 * Returns `value` as JSON (RFC 8259) on one line that is also safe to show: what `safeText` escapes is written as
 * JSON escapes, so that parsing gives the very same value. Undefined becomes `null`.
 */
export const safeJson = (value: unknown): string =>
  (JSON.stringify(value) ?? 'null').replace(UNSAFE, (char) =>
    char.split('').reduce((text, unit) => `${text}\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`, ''),
  );
