/** How TLS to a model server differs from the usual. */

import type { SecretRef, ServiceConfig } from '../config.ts';
import { readTls, type TlsMaterial, upstreamTls } from '../config/tls-material.ts';

/** What connections to one upstream are opened with, named as in node:tls. */
export interface UpstreamTls extends TlsMaterial {
  /** The name that is asked for, and that the certificate must be for; missing where it is the host's own. */
  readonly servername?: string;
}

/** Returns what `upstream.tls` of a service says, nothing where it is missing. Throws Error with the place of what is wrong. */
export function readUpstreamTls(config: ServiceConfig, read: (ref: SecretRef) => string): UpstreamTls {
  const parts = upstreamTls(config);
  if (parts === null) return {};
  const material = readTls(parts, read);
  const servername = config.upstream.tls?.server_name;
  return servername === undefined ? material : { ...material, servername };
}
