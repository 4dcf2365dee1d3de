/** Resolves the references to secrets in a config. A secret is never in a message (promise 8). */

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SecretRef } from './config.ts';

const MAX_BYTES = 64 * 1024;
const OTHERS_MAY_WRITE = 0o002;
const OTHERS_MAY_READ = 0o004;

/** Where references lead. */
export interface SecretSources {
  /** Absolute path that relative file names start from. */
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears of a file that more people can read than need to. */
  warn(message: string): void;
}

/** Thrown when a reference leads to no usable secret; the message names the reference, never the secret. */
export class SecretError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SecretError';
  }
}

/** Returns a reference as it is named in messages. */
export const showSecretRef = (ref: SecretRef): string =>
  'env' in ref ? `the environment variable ${ref.env}` : `the file ${ref.file}`;

const fromEnv = (name: string, { env }: SecretSources): string => {
  const value = env[name];
  if (value === undefined)
    throw new SecretError(`expected a secret in the environment variable ${name}, it is not set`);
  return value;
};

/**
 * A key that anybody may change is nobody's secret: refused. One that anybody may read is only warned about, because
 * container platforms mount secrets so, into a file system that the container alone sees.
 */
const checkMode = (file: string, mode: number, sources: SecretSources): void => {
  // Windows has no such bits; Node reports them all as set there.
  if (process.platform === 'win32') return;
  if ((mode & OTHERS_MAY_WRITE) !== 0)
    throw new SecretError(`expected ${file} to be writable by its owner only, everybody may write to it`);
  if ((mode & OTHERS_MAY_READ) !== 0) sources.warn(`everybody on this machine may read ${file}; chmod 600 mends it`);
};

const fromFile = (name: string, sources: SecretSources): string => {
  const file = resolve(sources.baseDir, name);
  try {
    const { size, mode } = statSync(file);
    if (size > MAX_BYTES) throw new SecretError(`expected at most ${MAX_BYTES} bytes in ${file}, found ${size}`);
    checkMode(file, mode, sources);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof SecretError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new SecretError(`expected a secret in ${file}, it cannot be read (${code})`, { cause: error });
  }
};

/**
 * Returns the secret that `ref` leads to, without the line ends that editors leave after it.
 * @throws SecretError when there is none, it is empty, too long, or its file may be written by everybody.
 */
export const resolveSecret = (ref: SecretRef, sources: SecretSources): string => {
  const secret = ('env' in ref ? fromEnv(ref.env, sources) : fromFile(ref.file, sources)).replace(/[\r\n]+$/, '');
  if (secret === '') throw new SecretError(`expected a secret in ${showSecretRef(ref)}, it is empty`);
  return secret;
};
