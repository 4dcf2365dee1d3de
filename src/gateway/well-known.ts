/** The public documents of the gateway itself, for clients that look for who issues tokens. No token is needed. */

import { protectedResourceMetadata } from '../identify/identify.ts';
import { publicUrl } from './epoch.ts';
import type { CallRequest, CallResponse } from './http/exchange.ts';
import type { Epoch } from './gate.ts';

const METADATA = '/.well-known/oauth-protected-resource';

/** Answers a request for a public document and returns true; returns false for any other request. */
export function answerWellKnown(epoch: Epoch, req: CallRequest, res: CallResponse): boolean {
  const isMetadata = req.url === METADATA || req.url?.startsWith(`${METADATA}/`) === true;
  if (!isMetadata || (req.method !== 'GET' && req.method !== 'HEAD')) return false;
  const body = Buffer.from(
    JSON.stringify(
      protectedResourceMetadata({
        publicUrl: publicUrl(epoch.config),
        issuers: epoch.config.identity.issuers.map(({ issuer }) => issuer),
      }),
    ),
  );
  res.writeHead(200, [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'max-age=300',
    // whoever asks need not be anybody: nothing more of theirs is waited for
    ...(res.restUnread ? res.dropRest() : []),
  ]);
  res.end(req.method === 'HEAD' ? undefined : body);
  return true;
}
