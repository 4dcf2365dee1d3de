/** Answers of real servers, without what is another one every time. */

/** Returns the value without the members of these names, wherever they stand. */
export const steady = (value: unknown, changing: readonly string[]): unknown => {
  const names = new Set(changing);
  return JSON.parse(JSON.stringify(value), (name, member: unknown) => (names.has(name) ? undefined : member));
};
