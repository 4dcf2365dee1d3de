/** Which recording key a session is under: what stands in front of its page, in the clear. */

import type { SessionRow } from '../store/sessions.ts';
import { sealedPage } from './frame.ts';
import { JournalFiles } from './journal-files.ts';
import { keyTag } from './keys.ts';
import { readPlaces } from './places.ts';

/** Returns the tag of the recording key of a session, hex. Throws when its journal is gone, or the index misplaces it. */
export function pageTag(folder: string, { stream, places }: Pick<SessionRow, 'stream' | 'places'>): string {
  const [page] = readPlaces(places);
  if (page === undefined) throw new Error('the index does not say where the session is');
  using files = new JournalFiles(folder, stream);
  return keyTag(sealedPage(files.frame(page)));
}
