/** Email addresses (RFC 5321 §4.1.2 without quoted local parts and address literals). */

import topLevelDomains from 'tlds' with { type: 'json' };
import { type Detector, re } from './detector.ts';
import { ESCAPE, LETTERS } from './fragments.ts';

// RFC 6761, RFC 6762 appendix G and ICANN's `internal`: no address of the public DNS, an address of somebody all the same.
const PRIVATE = ['internal', 'local', 'localdomain', 'lan', 'corp', 'home', 'intranet', 'private', 'test', 'example'];
const TOP_LEVEL: ReadonlySet<string> = new Set([...topLevelDomains, ...PRIVATE, 'invalid', 'onion']);

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

/** RFC 1035 §2.3.4. */
const LONGEST_LABEL = 63;

/** Returns whether what the pattern took for a label is one: no hyphen at either end (RFC 1035 §2.3.1). */
const isLabel = (label: string): boolean =>
  label !== '' && label.length <= LONGEST_LABEL && !label.startsWith('-') && !label.endsWith('-');

/** Returns the length of the longest domain name at the start of a text; 0 when there is none. */
const domainLength = (text: string): number => {
  let length = 0;
  for (let from = 0, to = 0; from <= text.length; from = to + 1) {
    to = text.indexOf('.', from);
    if (to < 0) to = text.length;
    const label = text.slice(from, to);
    const topLevel = from === 0 ? 0 : topLevelLength(label);
    if (topLevel > 0) length = from + topLevel;
    if (!isLabel(label)) break;
  }
  return length;
};

/** What was no domain the last time: many names ahead of one at sign have it in common. */
let lastRefused = '';

const lengthOf = (domain: string): number => {
  if (domain === lastRefused) return 0;
  const length = domainLength(domain);
  // A copy: a piece of a text would keep the whole text in memory.
  if (length === 0) lastRefused = Buffer.from(domain, 'utf16le').toString('utf16le');
  return length;
};

/** `git@github.com:owner/repo` is how a program logs in, nobody's mailbox. */
const LOGINS: ReadonlySet<string> = new Set(['git', 'hg', 'svn']);

const accept = (match: string): number => {
  const at = match.indexOf('@');
  const local = match.slice(0, at);
  if (local.includes('..') || LOGINS.has(local)) return 0;
  const length = lengthOf(match.slice(at + 1));
  return length > 0 ? at + 1 + length : 0;
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
