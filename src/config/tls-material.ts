/** Certificates and keys that a config names: read, and tried at load, so that no handshake is the first to find out. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Config, SecretRef, ServiceConfig } from '../config.ts';

/** What TLS is spoken with, in PEM and named as in node:tls. What is missing is what node takes by default. */
export interface TlsMaterial {
  /** Who is believed. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A part of it: where it stands in the config, and the reference there; undefined where there is none. */
interface TlsPart {
  readonly at: string;
  readonly ref: SecretRef | undefined;
}

type TlsParts = Readonly<Record<keyof TlsMaterial, TlsPart>>;

/** Returns what a listener of the config proves itself with, and whom it believes. `at` is its place in the list. */
export function listenerTls({ tls }: Config['listeners'][number], at: number): TlsParts | null {
  if (tls === undefined) return null;
  const path = `listeners[${at}].tls`;
  return {
    ca: { at: `${path}.clientCa`, ref: tls.clientCa },
    cert: { at: `${path}.cert`, ref: tls.cert },
    key: { at: `${path}.key`, ref: tls.key },
  };
}

/** Returns whom a service believes in its model server's place, and what it proves itself with there. */
export function upstreamTls({ name, upstream: { tls } }: ServiceConfig): TlsParts | null {
  if (tls === undefined) return null;
  const path = `services.${name}.upstream.tls`;
  return {
    ca: { at: `${path}.ca`, ref: tls.ca },
    cert: { at: `${path}.cert`, ref: tls.cert },
    key: { at: `${path}.key`, ref: tls.key },
  };
}

/**
 * Returns what the references lead to. `read` resolves one.
 * @throws Error that begins with the place of what is missing, is no PEM, or does not belong together.
 */
export function readTls({ ca, cert, key }: TlsParts, read: (ref: SecretRef) => string): TlsMaterial {
  const material: TlsMaterial = {
    ...part('ca', ca, read, (pem) => new X509Certificate(pem)),
    ...part('cert', cert, read, (pem) => new X509Certificate(pem)),
    ...part('key', key, read, createPrivateKey),
  };
  try {
    createSecureContext(material);
  } catch (cause) {
    throw new Error(`${key.at}: expected the private key of the certificate`, { cause });
  }
  return material;
}

const WHAT = { ca: 'certificates in PEM', cert: 'a certificate in PEM', key: 'a private key in PEM' } as const;

function part(
  name: keyof TlsMaterial,
  { at, ref }: TlsPart,
  read: (ref: SecretRef) => string,
  check: (pem: string) => unknown,
): TlsMaterial {
  if (ref === undefined) return {};
  const pem = told(at, () => read(ref));
  try {
    check(pem);
  } catch (cause) {
    throw new Error(`${at}: expected ${WHAT[name]}`, { cause });
  }
  return { [name]: pem };
}

function told<T>(at: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new Error(`${at}: ${cause instanceof Error ? cause.message : 'cannot be read'}`, { cause });
  }
}
