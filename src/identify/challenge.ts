/** Tells a client how to get a token that is accepted here (RFC 6750 §3, RFC 9728). */

import { REASONS } from '../reasons.ts';
import type { IdentifyReason } from './refusal.ts';

/** RFC 6750 §3.1. */
type BearerError = 'invalid_token' | 'invalid_request';

/** RFC 6750 §3: a request without credential gets no error code. */
const errorOf = (reason: IdentifyReason): BearerError | null => {
  if (reason === 'no-token') return null;
  return REASONS[reason].status === 401 ? 'invalid_token' : 'invalid_request';
};

/** RFC 9728 §3.1: the well-known path goes between the host and the path of the resource. */
const metadataUrl = (publicUrl: string): string => {
  const { origin, pathname } = new URL(publicUrl);
  return `${origin}/.well-known/oauth-protected-resource${pathname.replace(/\/$/, '')}`;
};

/**
 * Returns the WWW-Authenticate value for each reason; empty for those that another token would not change.
 * Titles of reasons are plain ASCII without quotes and backslashes, as RFC 6750 §3 asks of error_description.
 */
export function challengesFor(publicUrl: string): (reason: IdentifyReason) => string {
  const metadata = `resource_metadata="${metadataUrl(publicUrl)}"`;
  return (reason) => {
    const { status, title } = REASONS[reason];
    if (status !== 401 && status !== 400) return '';
    const error = errorOf(reason);
    return error === null ? `Bearer ${metadata}` : `Bearer error="${error}", error_description="${title}", ${metadata}`;
  };
}

/** RFC 9728 §2: what clients read at `/.well-known/oauth-protected-resource`. */
interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly resource_name: 'Sallyport';
}

/** Returns the protected-resource metadata of the gateway (RFC 9728 §2). `issuers` are listed in config order. */
export function protectedResourceMetadata(options: {
  readonly publicUrl: string;
  readonly issuers: readonly string[];
}): ProtectedResourceMetadata {
  return {
    resource: options.publicUrl.replace(/\/$/, ''),
    authorization_servers: [...options.issuers],
    bearer_methods_supported: ['header'],
    resource_name: 'Sallyport',
  };
}
