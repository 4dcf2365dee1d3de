/** The store of a config: the folder of this gateway, and what several gateways share. */

import { z } from 'zod';
import { secret } from './values.ts';

const postgres = z
  .strictObject({
    url: secret.describe('`postgres://USER:PASSWORD@HOST:PORT/DATABASE`, by reference.'),
    schema: z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'expected lower-case letters, digits and underscores, at most 63')
      .default('sallyport')
      .describe(
        'The schema with the tables of this program, made when missing. Gateways that share limits have the same.',
      ),
    tls: z
      .union([
        z.literal('off'),
        z.strictObject({
          ca: secret
            .optional()
            .describe('Certificate authorities in PEM that are believed instead of the public ones, by reference.'),
          cert: secret.optional().describe('A certificate in PEM that this gateway proves itself with, by reference.'),
          key: secret.optional().describe('Its private key in PEM, by reference.'),
        }),
      ])
      .optional()
      .describe(
        'How TLS is spoken; the name in the URL must be in the certificate. Without it public authorities are believed, and a server on this machine is spoken to in plain text; `off` is plain text to any.',
      ),
    key: secret
      .optional()
      .describe(
        'A secret of at least 16 characters, the same for all gateways, by reference: with it, whoever reads the database cannot tell which caller a count is of by guessing. Cannot be changed within a schema.',
      ),
  })
  .describe(
    'A PostgreSQL through which gateways share the counts of limits; each keeps a `path` of its own for everything else.',
  );

/** The store. */
export const store = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .default('./data')
      .describe('The folder of this gateway: journals, ledger, index and approvals. Of one process at a time.'),
    postgres: postgres.optional(),
  })
  .prefault({})
  .describe('Where records, the ledger and the approvals are kept, and what is shared with other gateways.');
