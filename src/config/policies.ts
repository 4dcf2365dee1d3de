/** What must hold of rules: who they speak of, what they limit, who may approve. */

import { wrongApprover } from './approvers.ts';
import { type Check, issue, when } from './check.ts';

/** An answer cannot wait for a human, nor can one message of a stream; and what the model says needs no allowing. */
const ruleSubjects: Check = ({ policies = [] }) =>
  policies.flatMap(({ on, then }, at) => [
    ...when(
      on === 'answer' && then !== 'deny',
      ['policies', at, 'then'],
      'expected deny: a rule on answers can only deny',
    ),
    ...when(
      on === 'message' && typeof then === 'object',
      ['policies', at, 'then'],
      'expected allow or deny: a message cannot wait for a human',
    ),
  ]);

const WINDOWED = ['requests', 'tokens', 'spend', 'answer_tokens', 'answer_bytes', 'distinct_inputs'] as const;
const MIN_WINDOW = 1_000;
const MAX_WINDOW = 31 * 86_400_000;

/** A limit that counts nothing, or against nothing, would look like one that is in force. */
const limits: Check = ({ policies = [], prices = [] }) =>
  policies.flatMap(({ then, limit }, at) => {
    const path = ['policies', at, 'limit'];
    if (limit === undefined) return when(then === undefined, ['policies', at], 'expected then, limit, or both');
    const { per, within, spend, concurrent, answer_bytes: bytes } = limit;
    const windowed = WINDOWED.filter((key) => limit[key] !== undefined);
    return [
      ...when(then === 'deny', path, 'expected no limit in a rule that denies: nothing is left to be limited'),
      ...when(
        windowed.length === 0 && concurrent === undefined,
        path,
        `expected at least one of ${WINDOWED.join(', ')}, concurrent`,
      ),
      ...when(within === undefined && windowed.length > 0, path, `expected within beside ${windowed.join(', ')}`),
      ...when(
        within !== undefined && (within < MIN_WINDOW || within > MAX_WINDOW),
        [...path, 'within'],
        'expected 1s to 31d',
      ),
      ...when(bytes === 0, [...path, 'answer_bytes'], 'expected more than zero'),
      ...when(new Set(per).size < per.length, [...path, 'per'], 'expected each word once'),
      ...when(
        spend !== undefined && prices.length === 0,
        [...path, 'spend'],
        'expected prices in the config: without them no call costs anything',
      ),
    ];
  });

/** A quorum that the named people can never fill would hold calls for nothing. */
const quorums: Check = ({ policies = [] }) =>
  policies.flatMap(({ then }, at) => {
    if (typeof then !== 'object') return [];
    const { by, quorum, within, use_within: useWithin } = then.approve;
    const path = ['policies', at, 'then', 'approve'];
    const people = new Set(by);
    const few = by.every((who) => who.startsWith('subject:')) && people.size < quorum;
    return [
      ...when(few, [...path, 'quorum'], `expected at most ${people.size}, as many as may approve, found ${quorum}`),
      ...when(within === 0, [...path, 'within'], 'expected more than zero'),
      ...when(useWithin === 0, [...path, 'use_within'], 'expected more than zero'),
    ];
  });

/** An approver who cannot be, or whom an issuer could name that nobody meant. */
const approvers: Check = ({ policies = [], identity }) =>
  policies.flatMap(({ then }, at) => {
    if (typeof then !== 'object' || identity === undefined) return [];
    return then.approve.by.flatMap((who, place) => {
      const wrong = wrongApprover(who, identity.issuers);
      return wrong === null ? [] : [issue(['policies', at, 'then', 'approve', 'by', place], wrong)];
    });
  });

/** All of them. */
export const POLICY_CHECKS: readonly Check[] = [ruleSubjects, limits, quorums, approvers];
