/** Email addresses (RFC 5321 §4.1.2 without quoted local parts and address literals). */

import topLevelDomains from 'tlds' with { type: 'json' };
import { type Detector, re } from './detector.ts';
import { ESCAPE, LETTERS } from './fragments.ts';

// RFC 6761, RFC 6762 appendix G and ICANN's `internal`: no address of the public DNS, an address of somebody all the same.
const PRIVATE = ['internal', 'local', 'localdomain', 'lan', 'corp', 'home', 'intranet', 'private', 'test', 'example'];
const TOP_LEVEL: ReadonlySet<string> = new Set([...topLevelDomains, ...PRIVATE, 'invalid', 'onion']);

const LABEL = re`^[A-Za-z0-9${LETTERS}](?:[A-Za-z0-9${LETTERS}-]*[A-Za-z0-9${LETTERS}])?$`;

const isTopLevel = (label: string): boolean => {
  const name = label.toLowerCase();
  return TOP_LEVEL.has(name) || name.startsWith('xn--');
};

/** Returns the length of a top-level domain at the start of a label, `com` of `com-see`; 0 when there is none. */
const topLevelLength = (label: string): number => {
  if (isTopLevel(label)) return label.length;
  const hyphen = label.indexOf('-');
  return hyphen > 0 && isTopLevel(label.slice(0, hyphen)) ? hyphen : 0;
};

/** Returns where the longest domain name that begins at `start` ends; `start` when there is none. */
const domainEnd = (text: string, start: number): number => {
  let end = start;
  let from = start;
  for (const label of text.slice(start).split('.')) {
    const length = from === start ? 0 : topLevelLength(label);
    if (length > 0) end = from + length;
    if (label.length > 63 || !LABEL.test(label)) break;
    from += label.length + 1;
  }
  return end;
};

/** `git@github.com:owner/repo` is how a program logs in, nobody's mailbox. */
const LOGINS: ReadonlySet<string> = new Set(['git', 'hg', 'svn']);

const accept = (match: string): number => {
  const at = match.indexOf('@');
  const local = match.slice(0, at);
  if (local.includes('..') || LOGINS.has(local)) return 0;
  const end = domainEnd(match, at + 1);
  return end > at + 1 ? end : 0;
};

const LOCAL = String.raw`[A-Za-z0-9_.%+'~${LETTERS}-]`;

/** Detectors of this family, in priority order. */
export const EMAIL: readonly Detector[] = [
  {
    kind: 'email',
    // What a spelt-out `\n` or `\u00e9` consists of is not the beginning of a name; any other letter behind a backslash may be.
    pattern: re`(?:(?:(?<![A-Za-z0-9_\\${LETTERS}])|(?<=${ESCAPE})|(?<=\\)(?![nrtu]))[A-Za-z0-9_${LETTERS}]${LOCAL}{0,63}|(?<=\\)u[0-9A-Fa-f]{0,3}(?:[G-Zg-z_.%+'~${LETTERS}-]${LOCAL}{0,59})?)@[A-Za-z0-9${LETTERS}][A-Za-z0-9.${LETTERS}-]{1,252}`,
    accept,
    needle: '@',
    score: 0.95,
  },
];
