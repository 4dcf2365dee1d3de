/** What the gateway presents to a server that it asks. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { secret } from './values.ts';

const awsKeys = z.strictObject({
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'expected the name of a region, for example us-east-1')
    .describe('The region of the endpoint.'),
  service: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'expected the name of a service, for example bedrock')
    .default('bedrock')
    .describe('The service that the signature is for.'),
  access_key_id: secret,
  secret_access_key: secret,
  session_token: secret.optional(),
});

/** Returns the schema of a credential; `signed` says what the keys of AWS are for. */
export const credential = (signed: string) =>
  z.union(
    [
      z.strictObject({ bearer: secret }),
      z.strictObject({
        header: z.string().min(1).describe('The header field that carries the secret.'),
        value: secret,
      }),
      z.strictObject({ aws: awsKeys.describe(signed) }),
      z.literal('none'),
    ],
    { error: 'expected { bearer: SECRET }, { header: NAME, value: SECRET }, { aws: … } or none' },
  );
