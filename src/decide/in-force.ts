/** Names everything that verdicts and masks are made from, so that a record says for good what it was decided under. */

import type { Config } from '../config.ts';
import { detectorsEdition } from '../detect/edition.ts';
import { tripwiresEdition } from '../tripwire/edition.ts';
import { canonicalText, sha256 } from './canonical.ts';

/**
 * The sections of a config that no verdict and no mask comes from: where the gateway itself listens for people, works,
 * keeps and tells. Every other section is in force, those that are still to be thought of too.
 */
export const NOT_IN_FORCE = ['public_url', 'control', 'workers', 'store', 'recording', 'ledger', 'log'] as const;

const LEFT_OUT: ReadonlySet<string> = new Set(NOT_IN_FORCE);

/** What is in force. */
export interface InForce {
  /**
   * All of it as canonical JSON: the version of the gateway, the editions of what is built in, and the config, defaults
   * filled in. Secrets stand in it by reference, as in the config; files that messages are read by, with their SHA-256.
   */
  readonly text: string;
  /** SHA-256 of `text`, hex: what records and the ledger cite. */
  readonly hash: string;
}

/** What a config does not say itself. */
export interface InForceParts {
  /** The version of the gateway: what is code in detectors, guards and rules changes with it. */
  readonly version: string;
  /** Returns the bytes of a file that the config names. Throws when it cannot be read. */
  readonly file: (path: string) => Uint8Array;
}

/** Returns what is in force under a config. Throws when a file that it names cannot be read. */
export const inForce = (config: Config, { version, file }: InForceParts): InForce => {
  const text = canonicalText({
    v: 1,
    gateway: version,
    detectors: detectorsEdition(),
    tripwires: tripwiresEdition(),
    config: Object.fromEntries(Object.entries(config).filter(([section]) => !LEFT_OUT.has(section))),
    files: Object.fromEntries(descriptorFiles(config).map((path) => [path, sha256(file(path))])),
  });
  return { text, hash: sha256(text) };
};

/** By what is in these, messages of gRPC are read. */
const descriptorFiles = ({ services }: Config): readonly string[] =>
  services.flatMap(({ grpc }) => (typeof grpc?.descriptors === 'object' ? [grpc.descriptors.file] : []));
