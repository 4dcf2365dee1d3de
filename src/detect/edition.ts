/** Names the tables of what is built in, so that a record can say which of them it was made with. */

import { createHash } from 'node:crypto';
import type { Detector } from './detector.ts';
import { DETECTORS } from './entities.ts';

/** What of a detector is data. What is code (`accept`, a score that is computed) is told by the version of the gateway. */
const dataOf = ({ kind, context, pattern, isLinear, swallow, score, needle }: Detector): unknown => ({
  kind,
  context,
  pattern: String(pattern),
  isLinear,
  swallow: swallow !== undefined && 'until' in swallow ? { until: String(swallow.until) } : swallow,
  score: typeof score === 'number' ? score : null,
  needle,
});

/** Returns the SHA-256, hex, of the detectors that are built in, in their order. */
export const detectorsEdition = (detectors: readonly Detector[] = DETECTORS): string =>
  createHash('sha256')
    .update(JSON.stringify(detectors.map(dataOf)))
    .digest('hex');
