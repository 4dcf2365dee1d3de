/**
 * Which strings of a document are meant: a JSON Pointer (RFC 6901), or the part of JSONPath (RFC 9535) that looks at
 * nothing but places: names, positions, `*` and `..`.
 */

/** A step in a JSON document: a member name or an array index. */
type JsonStep = string | number;

/** One step of a selector. `deep`: any number of steps may lie in front of it. */
interface Step {
  readonly kind: 'name' | 'any';
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
      return { kind: 'name', name: token.replaceAll('~1', '/').replaceAll('~0', '~'), deep: false };
    });

/** `.name`, `.*`, `..name`, `['name']`, `["name"]`, `[0]`, `[*]`. */
const SEGMENT =
  /(\.\.?)(?:([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)|(\*))|(\.\.)?\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\d+)|(\*))\]/y;

const pathSteps = (path: string): readonly Step[] => {
  const steps: Step[] = [];
  SEGMENT.lastIndex = 1;
  while (SEGMENT.lastIndex < path.length) {
    const at = SEGMENT.lastIndex;
    const match = SEGMENT.exec(path);
    if (match === null) throw new SelectorError(`cannot be read from ${JSON.stringify(path.slice(at))} on`);
    const [, dots, name, star, deep, single, double, index] = match;
    const quoted = (single ?? double)?.replaceAll(/\\(.)/g, '$1');
    const is = name ?? quoted ?? index;
    steps.push({
      kind: is === undefined || star !== undefined ? 'any' : 'name',
      name: is ?? '',
      deep: dots === '..' || deep === '..',
    });
  }
  return steps;
};

const stepsOf = (selector: string): readonly Step[] => {
  if (selector === '' || selector === '$') return [];
  if (selector.startsWith('/')) return pointerSteps(selector);
  if (selector.startsWith('$')) return pathSteps(selector);
  throw new SelectorError('expected a JSON Pointer (/a/b) or a JSONPath ($.a.b)');
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
      if (wanted.kind === 'any' || String(found) === wanted.name) next.add(at + 1);
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
