/** record.open: when what is to be forwarded may be. */

import { Failure } from '../reasons.ts';
import type { Session } from '../record/recorder.ts';

/** Resolves once the opening record is written, or durable (promise 3). Rejects with Failure `evidence-unavailable`. */
export function kept(session: Session, durable: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const then = (ok: boolean): void =>
      ok ? resolve() : reject(new Failure('evidence-unavailable', 'the opening record could not be kept'));
    if (durable) session.durable(then);
    else session.written(then);
  });
}
