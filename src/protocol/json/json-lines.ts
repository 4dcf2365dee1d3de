/** Lines of whole documents: no text goes on from one to the next. */

import type { StreamReader } from '../codec.ts';
import { Failure } from '../../reasons.ts';
import { NOTHING } from '../framing/stream-shape.ts';

/** Returns a reader of lines that are documents of their own. */
export const jsonLines = (): StreamReader => ({
  read: () => NOTHING,
  delta: () => {
    throw new Failure('internal', 'expected no text to be held over lines');
  },
});
