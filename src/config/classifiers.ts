/** How masking rules name what outside classifiers find. */

import type { Config } from '../config.ts';

/** Returns the classifier that an entity would be of: `pii` of `pii` and of `pii.person`. */
export const classifierOf = (entity: string): string => entity.split('.', 1)[0] ?? entity;

/** Returns whether an entity of a masking rule is found by a classifier of this config, not by a detector. */
export const foundOutside = ({ classifiers }: Pick<Config, 'classifiers'>): ((entity: string) => boolean) => {
  const names = new Set(classifiers.map(({ name }) => name));
  return (entity) => names.has(classifierOf(entity));
};
