/** Finds the known name that a mistyped one was probably meant to be. */

/** Returns how many insertions, deletions, substitutions and swaps of neighbours lead from `a` to `b` (optimal string alignment). */
const distance = (a: string, b: string): number => {
  let older: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const steps = [(last[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1)];
      next.push(Math.min(...steps, swap ? (older[j - 2] ?? 0) + 1 : Infinity));
    }
    older = last;
    last = next;
  }
  return last[b.length] ?? 0;
};

/**
 * Returns the member of `known` that is nearest to `name`, compared without case, or null when none is near
 * (more than a third of the letters would have to change).
 */
export const nearest = (name: string, known: Iterable<string>): string | null => {
  // Longer names are not worth the quadratic work: nothing known is that long.
  if (name.length > 100) return null;
  const wanted = name.toLowerCase();
  let best: { readonly word: string; readonly far: number } | null = null;
  for (const word of known) {
    const far = distance(wanted, word.toLowerCase());
    const allowed = Math.max(1, Math.floor(Math.max(word.length, wanted.length) / 3));
    if (far <= allowed && (best === null || far < best.far)) best = { word, far };
  }
  return best?.word ?? null;
};
