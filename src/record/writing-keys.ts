/** What a worker writes its next journal with. */

import type { OriginalsSeed } from './original-keys.ts';
import type { RecordingKey } from './page-keys.ts';

/** Keys on their way from the recorder thread to a worker. */
export interface WritingKeys {
  /** Seals pages of session keys. */
  readonly page: RecordingKey;
  /** What keys for originals are made of; null while they are not kept. */
  readonly originals: OriginalsSeed | null;
}

/** Hands out what journals are written with, anew for each. */
export interface KeyHand {
  writing(): WritingKeys;
}
