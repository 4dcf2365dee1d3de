/** How a WebSocket says why it closes (RFC 6455 §7.4, and IANA's WebSocket Close Code Number Registry). */

import type { Reason } from '../../reasons.ts';

const CODES: Partial<Readonly<Record<Reason, number>>> = {
  'body-unreadable': 1007,
  'body-too-large': 1009,
  overloaded: 1013,
  draining: 1001,
  'upstream-unreachable': 1014,
  'upstream-timeout': 1014,
  'upstream-failed': 1014,
  'evidence-unavailable': 1011,
  interrupted: 1011,
  internal: 1011,
};

/** Policy violation: what is said where no code says it better. */
const POLICY = 1008;

/** Returns the code of a connection that this reason ends. */
export const closeCodeOf = (reason: Reason): number => CODES[reason] ?? POLICY;

/** The code of a connection that ended without a close frame (RFC 6455 §7.1.5). */
export const LOST = 1006;

/** Returns the code to pass on; undefined for those that no endpoint may send (RFC 6455 §7.4.1, §7.4.2). */
export const sendable = (code: number): number | undefined =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
    ? code
    : undefined;
