import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveSecret, SecretError } from './secrets.ts';

const baseDir = mkdtempSync(join(tmpdir(), 'sallyport-secrets-'));

const resolve = (ref: { env: string } | { file: string }, env: Record<string, string> = {}) => {
  const warnings: string[] = [];
  const value = resolveSecret(ref, baseDir, { env, warn: (message) => void warnings.push(message) });
  return { value, warnings };
};

const inFile = (text: string, mode = 0o600): { file: string } => {
  const file = `./${mode}-${text.length}.key`;
  writeFileSync(join(baseDir, file), text);
  chmodSync(join(baseDir, file), mode);
  return { file };
};

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof SecretError) return error.message;
    throw error;
  }
  return '';
};

describe('resolveSecret', () => {
  it('reads the environment', () => {
    expect(resolve({ env: 'UPSTREAM_KEY' }, { UPSTREAM_KEY: 's3cret' }).value).toBe('s3cret');
  });

  it('reads a file next to the config, without the line end that an editor leaves', () => {
    expect(resolve(inFile('s3cret\n'))).toEqual({ value: 's3cret', warnings: [] });
    expect(resolve(inFile('two\nlines\r\n')).value).toBe('two\nlines');
  });

  it('reads the environment of the process when given no other', () => {
    const name = Object.keys(process.env).find((key) => /^\S+$/.test(process.env[key] ?? '')) ?? '';
    expect(resolveSecret({ env: name }, baseDir)).toBe(process.env[name]);
  });

  it('warns of a file that everybody may read', () => {
    const { value, warnings } = resolve(inFile('readable', 0o644));
    expect(value).toBe('readable');
    expect(warnings.join()).toMatch(/everybody on this machine may read .*chmod 600/);
  });

  it('refuses a file that everybody may write to', () => {
    expect(messageOf(() => resolve(inFile('writable', 0o602)))).toContain('everybody may write to it');
  });

  it.each([
    ['that is not set', { env: 'NOT_SET' }, 'the environment variable NOT_SET, it is not set'],
    ['that is empty', { env: 'EMPTY' }, 'the environment variable EMPTY, it is empty'],
    ['whose file is not there', { file: 'none.key' }, 'it cannot be read (ENOENT)'],
    ['whose file is a folder', { file: '.' }, 'it cannot be read (EISDIR)'],
  ])('says what is wrong with a reference %s', (_what, ref, message) => {
    expect(messageOf(() => resolve(ref, { EMPTY: '\n' }))).toContain(message);
  });

  it('promise 8: never repeats a secret in an error', () => {
    const secret = 'x'.repeat(70_000);
    const message = messageOf(() => resolve(inFile(secret)));
    expect(message).toContain('expected at most 65536 bytes');
    expect(message).not.toContain('xxx');
  });
});
