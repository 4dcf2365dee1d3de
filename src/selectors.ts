/**
 * Which strings of a document are meant: a JSON Pointer (RFC 6901), or the part of JSONPath (RFC 9535) that looks at
 * nothing but places: names, positions, `*` and `..`.
 */

/** A step in a JSON document: a member name or an array index. */
type JsonStep = string | number;

/** One step of a selector. `deep`: any number of steps may lie in front of it. */
interface Step {
  /** `token`: of a pointer, which is a name or a position as the document has it (RFC 6901 §4). */
  readonly kind: 'name' | 'index' | 'token' | 'any';
  readonly name: string;
  readonly deep: boolean;
}

/** Thrown for a selector that cannot be read. */
export class SelectorError extends Error {}

const pointerSteps = (pointer: string): readonly Step[] =>
  pointer
    .slice(1)
    .split('/')
    .map((token) => {
      // RFC 6901 §4: ~1 is /, then ~0 is ~
      if (/~(?![01])/.test(token)) throw new SelectorError('expected ~0 or ~1 behind ~');
      return { kind: 'token', name: token.replaceAll('~1', '/').replaceAll('~0', '~'), deep: false };
    });

/** `.name`, `.*`, `..name`, `['name']`, `["name"]`, `[0]`, `[*]`. */
const SEGMENT =
  /(\.\.?)(?:([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)|(\*))|(\.\.)?\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(0|[1-9]\d*)|(\*))\]/y;

/** What RFC 9535 has beside, and why it is not here; the first that fits says it. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:\.\.)?\[\s*\?/, 'filters look at values, and here only places are known'],
  [/^(?:\.\.)?\[\s*-\d/, 'positions from the end are not known while a stream is read: write [*]'],
  [/^(?:\.\.)?\[\s*-?\d*\s*:/, 'slices are not read: write a selector for each position, or [*]'],
  [/^(?:\.\.)?\[[^\]]*,/, 'several in one bracket are not read: write a selector for each'],
  [/^(?:\.\.)?\[0\d/, 'a position has no zeros ahead (RFC 9535 §2.3.3)'],
  [/^\s|^(?:\.\.?|\[)\s/, 'no blanks'],
];

const unread = (path: string, at: number): SelectorError => {
  const rest = path.slice(at);
  const hint = HINTS.find(([form]) => form.test(rest))?.[1] ?? "expected .name, ['name'], [0], [*], .* or ..name";
  return new SelectorError(`cannot be read from ${JSON.stringify(rest)} on, at character ${at + 1}: ${hint}`);
};

/** RFC 9535 §2.3.1.1: what may stand behind a backslash, beside the quote that the name stands in. */
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '/': '/', '\\': '\\' };

/** Returns the name that a quoted string stands for. Throws SelectorError. */
const unquoted = (quoted: string, quote: string): string => {
  // RFC 9535 §2.3.1.1
  if (Array.from(quoted).some((unit) => unit < ' '))
    throw new SelectorError('control characters in a name are escaped');
  const name = quoted.replaceAll(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (all, code: string | undefined, letter: string) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    if (letter === quote) return quote;
    const stands = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (stands === undefined) throw new SelectorError(`${JSON.stringify(all)} stands for nothing (RFC 9535 §2.3.1.1)`);
    return stands;
  });
  if (!name.isWellFormed()) throw new SelectorError('half of a surrogate pair is no character');
  return name;
};

const stepOf = ([, dots, name, star, deep, single, double, index]: readonly (string | undefined)[]): Step => {
  const isDeep = dots === '..' || deep === '..';
  if (name !== undefined) return { kind: 'name', name, deep: isDeep };
  if (single !== undefined) return { kind: 'name', name: unquoted(single, "'"), deep: isDeep };
  if (double !== undefined) return { kind: 'name', name: unquoted(double, '"'), deep: isDeep };
  if (index !== undefined && star === undefined) return { kind: 'index', name: index, deep: isDeep };
  return { kind: 'any', name: '', deep: isDeep };
};

const pathSteps = (path: string): readonly Step[] => {
  const steps: Step[] = [];
  SEGMENT.lastIndex = 1;
  while (SEGMENT.lastIndex < path.length) {
    const at = SEGMENT.lastIndex;
    const match = SEGMENT.exec(path);
    if (match === null) throw unread(path, at);
    steps.push(stepOf(match));
  }
  return steps;
};

const stepsOf = (selector: string): readonly Step[] => {
  if (selector === '' || selector === '$') return [];
  if (selector.startsWith('/')) return pointerSteps(selector);
  if (selector.startsWith('$')) return pathSteps(selector);
  throw new SelectorError('expected a JSON Pointer (/a/b) or a JSONPath ($.a.b)');
};

/** RFC 9535 §2.3.1.2, §2.3.3.2: names are of objects, positions of arrays. */
const isWanted = ({ kind, name }: Step, found: JsonStep): boolean => {
  if (kind === 'any') return true;
  if (kind === 'token') return String(found) === name;
  return typeof found === (kind === 'name' ? 'string' : 'number') && String(found) === name;
};

/**
 * Returns whether the steps lead to the place or to one above it: a selected object is all its strings. All ways through
 * the steps are followed at once, so that no path takes longer than its length.
 */
const matches = (steps: readonly Step[], path: readonly JsonStep[]): boolean => {
  if (steps.length === 0) return true;
  let reached = new Set([0]);
  for (const found of path) {
    const next = new Set<number>();
    for (const at of reached) {
      const wanted = steps[at];
      if (wanted === undefined) continue;
      if (wanted.deep) next.add(at);
      if (isWanted(wanted, found)) next.add(at + 1);
    }
    if (next.has(steps.length)) return true;
    reached = next;
  }
  return false;
};

/** Returns a test for places that one of the selectors means. Throws SelectorError. */
export const compileSelectors = (selectors: readonly string[]): ((path: readonly JsonStep[]) => boolean) => {
  const all = selectors.map(stepsOf);
  return (path) => all.some((steps) => matches(steps, path));
};
