/** Names a set of rules by its content, for records and approvals to cite. */

import { createHash } from 'node:crypto';
import type { DetectorConfig, LimitConfig, MaskingConfig, PolicyConfig } from '../config.ts';
import { encodeJcs, type Json } from '../ledger/jcs.ts';

const ruleJson = ({ name, when, on, then, limit, message }: PolicyConfig): Json => ({
  name,
  when,
  ...(on === undefined ? {} : { on }),
  effect:
    typeof then !== 'object'
      ? (then ?? 'limit')
      : {
          approve: {
            by: then.approve.by,
            quorum: then.approve.quorum,
            within: then.approve.within,
            use_within: then.approve.use_within,
          },
        },
  ...(limit === undefined ? {} : { limit: limitJson(limit) }),
  message: message ?? '',
});

const limitJson = ({ spend, ...limit }: LimitConfig): Json => ({
  ...Object.fromEntries(
    Object.entries(limit).flatMap(([name, value]): [string, Json][] => (value === undefined ? [] : [[name, value]])),
  ),
  // canonical JSON here has whole numbers only
  ...(spend === undefined ? {} : { spend: String(spend) }),
});

const placesJson = (at: NonNullable<MaskingConfig['at']>): Json =>
  Object.fromEntries(Object.entries(at).flatMap(([name, list]) => (list === undefined ? [] : [[name, list]])));

const maskingJson = ({ name, when, direction, entities, at, with: operator, key, restore }: MaskingConfig): Json => ({
  name,
  when,
  direction,
  entities,
  with: operator,
  ...(at === undefined ? {} : { at: placesJson(at) }),
  ...(operator === 'tokenize' ? { restore } : {}),
  // where the key is, as the config says it: never the key
  ...(key === undefined ? {} : { key: { ...key } }),
});

/** What rules look for is a part of them. Canonical JSON here has whole numbers only. */
const detectorJson = ({ score, ...detector }: DetectorConfig): Json => ({
  ...Object.fromEntries(
    Object.entries(detector).flatMap(([name, value]): [string, Json][] => (value === undefined ? [] : [[name, value]])),
  ),
  score: String(score),
});

/** What is hashed together. */
export interface HashedRules {
  readonly policies: readonly PolicyConfig[];
  readonly masking: readonly MaskingConfig[];
  readonly detectors: readonly DetectorConfig[];
}

/** Returns the SHA-256, in hex, of rules, masking rules and detectors in their order, as canonical JSON (RFC 8785). */
export const hashRules = ({ policies, masking, detectors }: HashedRules): string => {
  const rules: Json = {
    v: 1,
    policies: policies.map(ruleJson),
    masking: masking.map(maskingJson),
    ...(detectors.length === 0 ? {} : { detectors: detectors.map(detectorJson) }),
  };
  return createHash('sha256').update(encodeJcs(rules)).digest('hex');
};
