/** What `sallyport check` looks at, one thing each. */

import { randomBytes } from 'node:crypto';
import { Agent } from 'undici';
import type { Config, IssuerConfig, SecretRef, ServiceConfig } from '../config.ts';
import { type LoadedConfig, showProblem } from '../config/file.ts';
import { showPath } from '../config/yaml.ts';
import { compilePolicies } from '../decide/compile.ts';
import { PolicyError } from '../decide/policy-error.ts';
import { keysOf } from '../identify/discovery.ts';
import { encryptionKeys } from '../mask/encrypt.ts';
import { parseSigner } from '../ledger/note-key.ts';
import { wrapKey } from '../record/key-envelope.ts';
import { type NamedRecipient, recipientOf } from '../record/recipients.ts';
import { readAuthority } from '../config/ledger.ts';
import { readPostgres } from '../config/postgres.ts';
import { readRecordingKey, resolveSecret } from '../config/secrets.ts';
import { listenerTls, readTls, upstreamTls } from '../config/tls-material.ts';

/** What a probe looks at. */
interface Looked extends LoadedConfig {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears of what works but should not stay so. */
  readonly warn: (message: string) => void;
}

/** One look. */
export interface Probe {
  /** What is looked at, for people. */
  readonly check: string;
  /** Returns the problems found, one line each, or throws the one problem. */
  readonly run: (looked: Looked) => readonly string[] | Promise<readonly string[]>;
}

/** Each issuer has this long to answer, in milliseconds. */
const ONLINE_TIMEOUT = 10_000;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Returns the problems of all entries, each told with its own place in the file. */
const each = <T>(
  entries: readonly T[],
  at: (entry: T, index: number) => string,
  look: (entry: T) => void,
): readonly string[] =>
  entries.flatMap((entry, index) => {
    try {
      look(entry);
      return [];
    } catch (error) {
      return [`${at(entry, index)}: ${messageOf(error)}`];
    }
  });

const recordingKey: Probe = {
  check: 'recording key',
  run: ({ config, baseDir, env, warn }) => {
    readRecordingKey(config.recording.key, baseDir, { env, warn });
    return [];
  },
};

const ledgerKey: Probe = {
  check: 'ledger key',
  run: ({ config, baseDir, env, warn }) => {
    parseSigner(resolveSecret(config.ledger.key, baseDir, { env, warn }));
    return [];
  },
};

const authority: Probe = {
  check: 'time-stamp authority',
  run: ({ config, baseDir }) => {
    readAuthority(config, baseDir);
    return [];
  },
};

const refsIn = (credential: Exclude<ServiceConfig['upstream']['credential'], 'none'>): readonly SecretRef[] => {
  if ('bearer' in credential) return [credential.bearer];
  if ('value' in credential) return [credential.value];
  const { access_key_id: id, secret_access_key: key, session_token: token } = credential.aws;
  return token === undefined ? [id, key] : [id, key, token];
};

const credentials: Probe = {
  check: 'upstream credentials',
  run: ({ config, baseDir, env, warn }) =>
    each(
      config.services,
      ({ name }) => name,
      ({ upstream: { credential } }) => {
        if (credential === 'none') return;
        for (const ref of refsIn(credential)) resolveSecret(ref, baseDir, { env, warn });
      },
    ),
};

const certificates: Probe = {
  check: 'certificates',
  run: ({ config, baseDir, env, warn }) =>
    [...config.listeners.map(listenerTls), ...config.services.map(upstreamTls)].flatMap((parts) => {
      if (parts === null) return [];
      try {
        readTls(parts, (ref) => resolveSecret(ref, baseDir, ref === parts.key.ref ? { env, warn } : { env }));
        return [];
      } catch (error) {
        return [messageOf(error)];
      }
    }),
};

const policies: Probe = {
  check: 'policies',
  run: ({ config, file, place }) => {
    try {
      compilePolicies(config);
      return [];
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      return error.problems.map(({ path, line, column, message }) => {
        // The condition may be written over several lines of the file: where in it, is told beside.
        const within = line === 1 ? `column ${column}` : `line ${line}, column ${column}`;
        return `${showProblem(file, { ...place(path), path: showPath(path), message })} (at ${within} of the condition)`;
      });
    }
  },
};

const maskKeys: Probe = {
  check: 'masking keys',
  run: ({ config, baseDir, env, warn }) =>
    each(
      config.masking,
      ({ name }) => name,
      ({ key }) => {
        if (key !== undefined) encryptionKeys(resolveSecret(key, baseDir, { env, warn }));
      },
    ),
};

const classifiers: Probe = {
  check: 'classifiers',
  run: ({ config, baseDir, env, warn }) =>
    each(
      config.classifiers,
      ({ name }) => name,
      ({ credential }) => {
        if (credential === 'none') return;
        for (const ref of refsIn(credential)) resolveSecret(ref, baseDir, { env, warn });
      },
    ),
};

const postgres: Probe = {
  check: 'shared store',
  run: ({ config, baseDir, env, warn }) => {
    const { postgres: access } = config.store;
    if (access !== undefined) readPostgres(access, (ref) => resolveSecret(ref, baseDir, { env, warn }));
    return [];
  },
};

/** Looks that need nothing but the files and the environment. */
export const PROBES: readonly Probe[] = [
  policies,
  maskKeys,
  classifiers,
  recordingKey,
  ledgerKey,
  authority,
  credentials,
  certificates,
  postgres,
];

const issuerProbe = (issuer: IssuerConfig): Probe => ({
  check: `issuer ${issuer.issuer}`,
  run: async () => {
    const dispatcher = new Agent();
    try {
      const { set } = await keysOf(issuer)({ dispatcher, signal: AbortSignal.timeout(ONLINE_TIMEOUT) });
      return set.keys.length === 0 ? ['it publishes no key that tokens may be verified with'] : [];
    } finally {
      await dispatcher.close();
    }
  },
});

/** Has a key service wrap a key that is thrown away: what a start does, and a rotation. */
const keyServiceProbe = (named: Exclude<NamedRecipient, string>): Probe => ({
  check: `key service ${named.aws_kms}`,
  run: async ({ config, baseDir, env }) => {
    const { verifier } = parseSigner(resolveSecret(config.ledger.key, baseDir, { env }));
    await wrapKey({ kind: 'recording', key: randomBytes(32), made: 0 }, [recipientOf(named, verifier.name)]);
    return [];
  },
});

/** Makes nothing: `start` makes what is missing. */
const database: Probe = {
  check: 'database',
  run: async ({ config, baseDir, env }) => {
    if (config.store.postgres === undefined) return [];
    const { tryPostgres } = await import('../store/postgres-rows.ts');
    const access = readPostgres(config.store.postgres, (ref) => resolveSecret(ref, baseDir, { env }));
    await tryPostgres(access, access.key);
    return [];
  },
};

/** Looks that ask others. */
export const onlineProbes = ({ identity, recording, store }: Config): readonly Probe[] => [
  ...identity.issuers.map(issuerProbe),
  ...[...recording.recipients, ...recording.originals].flatMap((named) =>
    typeof named === 'string' ? [] : [keyServiceProbe(named)],
  ),
  ...(store.postgres === undefined ? [] : [database]),
];
