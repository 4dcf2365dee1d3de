/** What must hold of an operator's own detectors, and of the entities that masking rules name. */

import type { Config } from '../config.ts';
import { foundOutside } from './classifiers.ts';
import type { ConfigIssue } from './issues.ts';
import type { ConfigPath } from './yaml.ts';
import { ENTITIES } from '../detect/entities.ts';
import { ownDetector, OwnDetectorError } from '../detect/own.ts';
import { nearest } from '../nearest.ts';
import { safeJson } from '../safe-text.ts';
import { compileSelectors, SelectorError } from '../selectors.ts';

type Looked = Partial<Pick<Config, 'detectors' | 'classifiers' | 'masking' | 'recording'>>;

const issue = (path: ConfigPath, message: string): ConfigIssue => ({ path, message, atKey: false });

const isBuiltIn = (name: string): boolean => ENTITIES.some((entity) => entity.name === name);

/** Returns an issue for each detector that cannot be derived, or takes the name of one that is built in. */
export const ownDetectorIssues = ({ detectors = [] }: Looked): readonly ConfigIssue[] =>
  detectors.flatMap((own, at) => {
    const path = ['detectors', at];
    if (isBuiltIn(own.name)) return [issue([...path, 'name'], `${safeJson(own.name)} is built in`)];
    try {
      ownDetector(own);
      return [];
    } catch (error) {
      if (error instanceof OwnDetectorError) return [issue([...path, error.key], error.message)];
      throw error;
    }
  });

/** Returns an issue for each classifier that has the name of an entity: a masking rule could mean either. */
export const classifierNameIssues = ({ detectors = [], classifiers = [] }: Looked): readonly ConfigIssue[] =>
  classifiers.flatMap(({ name }, at) =>
    isBuiltIn(name) || detectors.some((own) => own.name === name)
      ? [issue(['classifiers', at, 'name'], `${safeJson(name)} is what a detector finds`)]
      : [],
  );

/**
 * Returns an issue for each entity that nothing finds: a rule that masks it would look like one that masks, and what is
 * to be kept longer where it was found would be erased.
 */
export const entityIssues = ({ detectors, classifiers, masking = [], recording }: Looked): readonly ConfigIssue[] => {
  if (detectors === undefined || classifiers === undefined) return [];
  const isOutside = foundOutside({ classifiers });
  const known = new Set([
    ...ENTITIES.flatMap(({ name, kinds }) => [name, ...kinds]),
    ...detectors.map(({ name }) => name),
  ]);
  const unknown = (wanted: readonly string[], path: ConfigPath): readonly ConfigIssue[] =>
    wanted.flatMap((name, place) => {
      if (known.has(name) || isOutside(name)) return [];
      const meant = nearest(name, known);
      const hint = meant === null ? '`sallyport detectors list` names them' : `did you mean ${safeJson(meant)}?`;
      return [issue([...path, place], `no entity is named ${safeJson(name)}; ${hint}`)];
    });
  return [
    ...masking.flatMap(({ entities }, at) => unknown(entities, ['masking', at, 'entities'])),
    ...(recording?.retention ?? []).flatMap(({ findings }, at) =>
      unknown(findings, ['recording', 'retention', at, 'findings']),
    ),
  ];
};

/** Returns an issue for each place of a masking rule that cannot be read. */
export const maskPlaceIssues = ({ masking = [] }: Looked): readonly ConfigIssue[] =>
  masking.flatMap(({ at: where }, at) => {
    if (where === undefined) return [];
    if (Object.values(where).every((list) => list === undefined))
      return [issue(['masking', at, 'at'], 'expected paths, tensors or roles')];
    return (where.paths ?? []).flatMap((path, place) => {
      try {
        compileSelectors([path]);
        return [];
      } catch (error) {
        if (error instanceof SelectorError)
          return [issue(['masking', at, 'at', 'paths', place], `${safeJson(path)}: ${error.message}`)];
        throw error;
      }
    });
  });

/** Returns an issue for each masking rule whose key and operator do not go together. */
export const maskKeyIssues = ({ masking = [] }: Looked): readonly ConfigIssue[] =>
  masking.flatMap(({ with: operator, key }, at) => {
    if ((operator === 'encrypt') === (key !== undefined)) return [];
    return [
      key === undefined
        ? issue(['masking', at, 'with'], 'expected a key beside encrypt')
        : issue(['masking', at, 'key'], `expected no key: ${operator} takes none`),
    ];
  });
