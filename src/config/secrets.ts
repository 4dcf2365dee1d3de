/** Resolves the references to secrets in a config. A secret is never in a message (promise 8). */

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SecretRef } from '../config.ts';
import { parseRecordingKey } from './recording-key.ts';

const MAX_BYTES = 64 * 1024;
const OTHERS_MAY_WRITE = 0o002;
const OTHERS_MAY_READ = 0o004;

/** What surrounds a reference, where it is not the process itself. */
interface SecretSurroundings {
  /** `process.env` when absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Hears of a file that more people can read than need to. */
  readonly warn?: (message: string) => void;
}

/** Thrown when a reference leads to no usable secret; the message names the reference, never the secret. */
export class SecretError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SecretError';
  }
}

/** Returns a reference as it is named in messages. */
const showSecretRef = (ref: SecretRef): string =>
  'env' in ref ? `the environment variable ${ref.env}` : `the file ${ref.file}`;

const fromEnv = (name: string, { env = process.env }: SecretSurroundings): string => {
  const value = env[name];
  if (value === undefined)
    throw new SecretError(`expected a secret in the environment variable ${name}, it is not set`);
  return value;
};

/**
 * A key that anybody may change is nobody's secret: refused. One that anybody may read is only warned about, because
 * container platforms mount secrets so, into a file system that the container alone sees.
 */
const checkMode = (file: string, mode: number, { warn }: SecretSurroundings): void => {
  // Windows has no such bits; Node reports them all as set there.
  if (process.platform === 'win32') return;
  if ((mode & OTHERS_MAY_WRITE) !== 0)
    throw new SecretError(`expected ${file} to be writable by its owner only, everybody may write to it`);
  if ((mode & OTHERS_MAY_READ) !== 0) warn?.(`everybody on this machine may read ${file}; chmod 600 mends it`);
};

const fromFile = (file: string, around: SecretSurroundings): string => {
  try {
    const { size, mode } = statSync(file);
    if (size > MAX_BYTES) throw new SecretError(`expected at most ${MAX_BYTES} bytes in ${file}, found ${size}`);
    checkMode(file, mode, around);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof SecretError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new SecretError(`expected a secret in ${file}, it cannot be read (${code})`, { cause: error });
  }
};

/**
 * Returns the secret that `ref` leads to, without the line ends that editors leave after it. Relative file names start
 * from `baseDir`, an absolute path.
 * @throws SecretError when there is none, it is empty, too long, or its file may be written by everybody.
 */
export const resolveSecret = (ref: SecretRef, baseDir: string, around: SecretSurroundings = {}): string => {
  const text = 'env' in ref ? fromEnv(ref.env, around) : fromFile(resolve(baseDir, ref.file), around);
  const secret = text.replace(/[\r\n]+$/, '');
  if (secret === '') throw new SecretError(`expected a secret in ${showSecretRef(ref)}, it is empty`);
  return secret;
};

/**
 * Returns the 32 bytes of the recording key that `ref` leads to.
 * @throws SecretError | RecordingKeyError
 */
export const readRecordingKey = (ref: SecretRef, baseDir: string, around: SecretSurroundings = {}): Uint8Array =>
  parseRecordingKey(resolveSecret(ref, baseDir, around));
