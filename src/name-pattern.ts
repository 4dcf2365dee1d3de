/** Names with `*` in them: it stands for any characters. */

/** Returns a test for names that fit the pattern as a whole. Linear in the name for each `*`. */
export const namePattern = (pattern: string): ((name: string) => boolean) => {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return (name) => name === first;
  const last = rest.pop() ?? '';
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let at = first.length;
    // the earliest place of each part leaves the most for those behind it
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
};
