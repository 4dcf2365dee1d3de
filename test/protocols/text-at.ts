/** What documents say at a place, members and array positions joined by dots: `choices.0.delta.content`. */

import { member } from '../../src/protocol/value.ts';

const at = (document: unknown, path: string): string => {
  const value = path.split('.').reduce<unknown>((around, step) => {
    if (Array.isArray(around)) return around[Number(step)];
    return member(around, step);
  }, document);
  return typeof value === 'string' ? value : '';
};

/** Returns what the documents say there one after another; what has no text there says nothing. */
export const textAt = (documents: readonly unknown[], path: string): string =>
  documents.map((document) => at(document, path)).join('');
