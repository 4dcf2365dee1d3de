/** Which rule says how long a recording is kept. */

import { readContent, storedSession } from './read-session.ts';
import { decryptFrame } from './frame.ts';
import type { SessionRow } from '../store/sessions.ts';
import type { PageOpener } from './page-keys.ts';

/** One rule. A condition that is empty is met by every session; several are met together. */
export interface RetentionRule {
  readonly name: string;
  /** One of these services. */
  readonly services: readonly string[];
  /** The caller was in one of these groups. */
  readonly groups: readonly string[];
  /** Something of one of these entities, or kinds of them, was found in request or answer. */
  readonly findings: readonly string[];
  /** Milliseconds. */
  readonly keep: number;
}

/** The rules in their order, and how long what none of them names is kept, in ms. */
export interface RetentionRules {
  readonly rules: readonly RetentionRule[];
  readonly keep: number;
}

/** What rules look at. */
interface Facts {
  readonly service: string;
  readonly groups: readonly string[];
  readonly findings: readonly string[];
}

/** What the rule is called that all others meet. */
export const DEFAULT = 'recording.keep';

/** An entity is found with any of its kinds: `secret` with `secret.github`. */
const isOf = (entity: string, kind: string): boolean => kind === entity || kind.startsWith(`${entity}.`);

const meets = (wanted: readonly string[], found: readonly string[]): boolean =>
  wanted.length === 0 || wanted.some((each) => found.includes(each));

const meetsFinding = (wanted: readonly string[], found: readonly string[]): boolean =>
  wanted.length === 0 || wanted.some((entity) => found.some((kind) => isOf(entity, kind)));

/** Returns the first rule that a session meets; the last one, `recording.keep`, is met by all. */
export function ruleFor(
  { rules, keep }: RetentionRules,
  facts: Facts,
): { readonly name: string; readonly keep: number } {
  const rule = rules.find(
    ({ services, groups, findings }) =>
      meets(services, [facts.service]) && meets(groups, facts.groups) && meetsFinding(findings, facts.findings),
  );
  return rule ?? { name: DEFAULT, keep };
}

/** Returns what rules look at of a recorded session; opens it only when a rule asks for groups, which no index holds. */
export function factsOf(
  row: SessionRow,
  { rules }: RetentionRules,
  from: { readonly folder: string; readonly pageKeys: PageOpener },
): Facts {
  const known = { service: row.service, findings: row.kinds.split(' ').filter((kind) => kind !== '') };
  if (rules.every(({ groups }) => groups.length === 0)) return { ...known, groups: [] };
  const { frames, keys } = storedSession(row, from);
  const { details } = readContent(frames.map((frame) => decryptFrame(frame, keys)));
  return { ...known, groups: details.caller?.groups ?? [] };
}
