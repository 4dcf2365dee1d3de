/** Which gateway this is. */

import { readFileSync } from 'node:fs';

// The manifest stands one folder up from both src/ and dist/.
const readVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
};

/** The version of the package. */
export const VERSION = readVersion();
