/** Who says who callers are. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { duration } from './values.ts';

export const issuer = z.strictObject({
  issuer: z.url().describe('The `iss` of the tokens, compared as an exact string; keys are found by OIDC discovery.'),
  audience: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('What the `aud` of a token must contain, one of them.'),
  groups: z.string().min(1).default('groups').describe('The claim that holds the groups.'),
  kind: z.enum(['human', 'workload', 'agent']).default('human').describe('What kind of caller this issuer speaks for.'),
  algorithms: z
    .array(
      z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']),
    )
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])
    .describe('Signature algorithms that are accepted; asymmetric only.'),
  types: z
    .array(z.string().min(1))
    .min(1)
    .default(['at+jwt', 'JWT'])
    .describe('Values of the `typ` header that are accepted, compared without case and without `application/`.'),
  accepts: z
    .enum(['access_token', 'id_token'])
    .default('access_token')
    .describe('`id_token` accepts OIDC ID tokens, for providers that issue no JWT access tokens.'),
  client_id: z.string().min(1).optional().describe('If set, the `azp` or `client_id` of a token must be this.'),
  max_lifetime: duration().prefault('1d').describe('A token that lives longer than this is refused.'),
  jwks_uri: z.url().optional().describe('Where the keys are, for an issuer without discovery.'),
});
