/** Reads which files and packages a source file refers to. */

/** Forms that lead from one module to another; the second group is where to. */
const FORMS: readonly RegExp[] = [
  // import … from 'x', import type … from 'x', export … from 'x'
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])([^'"]+)\1/g,
  // import 'x'
  /\bimport\s*(['"])([^'"]+)\1/g,
  // import('x'), also in types
  /\bimport\s*\(\s*(['"])([^'"]+)\1/g,
  // new URL('./x.ts', import.meta.url): a worker, or a file beside
  /\bnew\s+URL\s*\(\s*(['"])([^'"]+)\1\s*,\s*import\.meta\.url/g,
  // startThread('x'): the worker x.ts beside the caller
  /\bstartThread\s*\(\s*(['"])([^'"]+)\1/g,
];

const COMPUTED = /\bimport\s*\(\s*(?!['")])|\brequire\s*\(/;

const withoutComments = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, '');

/** Returns what `source` refers to, as written. Throws for an import that cannot be read off the source. */
export const importsOf = (source: string): readonly string[] => {
  const code = withoutComments(source);
  if (COMPUTED.test(code)) throw new Error('expected only imports of literal names, found a computed one');
  return FORMS.flatMap((form, at) =>
    [...code.matchAll(form)].map(([, , name = '']) => (at === FORMS.length - 1 ? `./${name}.ts` : name)),
  );
};
