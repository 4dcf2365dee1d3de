/** Offsets as classifiers count them: in Unicode code points, not in UTF-16 units. */

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** Returns how many code points the text has up to a UTF-16 index. */
export const pointsTo = (text: string, end: number): number => {
  let points = 0;
  for (let at = 0; at < end; at++) {
    if (isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1))) at++;
    points++;
  }
  return points;
};

/** Returns what turns an offset in code points into an index in UTF-16 units; null for one that is not in the text. */
export const unitIndex = (text: string): ((point: number) => number | null) => {
  const starts = startsOf(text);
  const most = starts?.length ?? text.length + 1;
  return (point) => {
    if (!Number.isInteger(point) || point < 0 || point >= most) return null;
    return starts === null ? point : (starts[point] ?? null);
  };
};

/** Returns where each code point begins, and the end; null where every one is one unit. */
const startsOf = (text: string): Uint32Array | null => {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return null;
  const starts = new Uint32Array(text.length + 1);
  let points = 0;
  for (let at = 0; at < text.length; at++) {
    starts[points++] = at;
    if (isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1))) at++;
  }
  starts[points++] = text.length;
  return starts.subarray(0, points);
};
