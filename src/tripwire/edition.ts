/** Names the tables of tripwires, so that a record can say which of them it was made with. */

import { createHash } from 'node:crypto';
import { COMMAND_WIRES } from './commands.ts';
import { INJECTION_WIRES } from './injection.ts';
import type { Wire } from './wire.ts';

const ALL: readonly Wire[] = [...COMMAND_WIRES, ...INJECTION_WIRES];

/** Returns the SHA-256, hex, of the wires that are built in, in their order. */
export const tripwiresEdition = (wires: readonly Wire[] = ALL): string =>
  createHash('sha256')
    .update(
      JSON.stringify(
        wires.map(({ kind, starts, pattern, weight }) => ({ kind, starts, pattern: String(pattern), weight })),
      ),
    )
    .digest('hex');
