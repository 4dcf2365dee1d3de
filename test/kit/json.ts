/** Parsed JSON for tests, its shape checked instead of claimed. */

/** A parsed JSON object. */
export type JsonRecord = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the value as an object. Throws when it is none. */
export const recordOf = (value: unknown): JsonRecord => {
  if (isRecord(value)) return value;
  throw new Error(`expected an object, found ${JSON.stringify(value)}`);
};

/** Returns the object that the text holds. Throws when it holds none. */
export const parsedRecord = (text: string): JsonRecord => recordOf(JSON.parse(text));

/** Returns the string at a path of members and positions, '' when there is none. */
export const stringAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  let at = value;
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)];
    else at = isRecord(at) ? at[step] : undefined;
  }
  return typeof at === 'string' ? at : '';
};
