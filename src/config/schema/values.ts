/**
 * What is written in more than one place of the config: names, sizes, secrets, addresses, conditions. Descriptions are
 * sentences for docs/config.md.
 */

import { z } from 'zod';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

const quantity = (units: Readonly<Record<string, number>>, example: string) => {
  const pattern = new RegExp(`^(\\d{1,9})(${Object.keys(units).join('|')})$`);
  const error = `expected a whole number and one of ${Object.keys(units).join(', ')}, for example ${example}`;
  return z
    .string({ error })
    .regex(pattern, error)
    .transform((text) => {
      const [, count, unit] = pattern.exec(text) ?? [];
      return Number(count) * (units[unit ?? ''] ?? 0);
    });
};

/** A duration such as `15m`, read as milliseconds. */
export const duration = () => quantity(UNITS_MS, '15m');

/** A size such as `4MiB`, read as bytes. */
export const size = () => quantity(UNITS_BYTES, '4MiB');

/** A name that appears in addresses and records. */
export const name = () =>
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens, at most 63');

export const secret = z
  .union(
    [
      z.strictObject({ env: z.string().min(1).describe('The environment variable that holds it.') }),
      z.strictObject({ file: z.string().min(1).describe('The file that holds it, relative to the config.') }),
    ],
    {
      error: 'expected a reference to a secret, { env: NAME } or { file: PATH }',
    },
  )
  .describe('A secret by reference: `{ env: NAME }` or `{ file: PATH }`; never the secret itself.');

export const listenAddress = z
  .string()
  .regex(
    /^(?:unix:\/.+|(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5})$/,
    'expected HOST:PORT, for example 127.0.0.1:8080, or unix:/PATH',
  )
  .describe(
    'Where to listen, `HOST:PORT`, or `unix:/PATH` for a Unix socket. A Unix socket is served by one data worker: with several of them the workers take turns.',
  );

export const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5}$/, 'expected HOST:PORT, for example 127.0.0.1:8080')
  .describe('Where to listen, `HOST:PORT`.');

export const when = z.string().min(1).describe('A CEL expression that yields a bool.');
