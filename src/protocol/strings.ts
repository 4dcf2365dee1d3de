/** How strings look, as far as that decides whether they are text. */

/**
 * Returns true for a string in the alphabet of ids, base64 and base64url: nothing in it can be an address or prose.
 * Digits and letters alone can be anything, so this only ever confirms what the place of a string already says.
 */
export const looksLikeData = (text: string): boolean => !/[^A-Za-z0-9+/=_.:|~-]/.test(text);

/** Returns true for a data URI with base64 content (RFC 2397). */
export const isBase64Uri = (text: string): boolean => {
  if (!text.startsWith('data:')) return false;
  const comma = text.indexOf(',');
  return comma !== -1 && /^[\w.+/=;-]*;base64$/i.test(text.slice(5, comma)) && looksLikeData(text.slice(comma + 1));
};

/**
 * Returns true for a word as protocols and schemas name members and kinds: letters, underscores and hyphens, beginning
 * with a small letter, at most 40 characters. No entity is spelled that way.
 */
export const isPlainWord = (text: string): boolean => {
  // A loop: it is asked for every member name, and takes a third of what an expression does.
  const { length } = text;
  if (length === 0 || length > 40) return false;
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    const small = (code >= 0x61 && code <= 0x7a) || code === 0x5f;
    if (small || (at === 0 ? code === 0x24 : code === 0x2d || (code >= 0x41 && code <= 0x5a))) continue;
    return false;
  }
  return true;
};
