import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { loadConfig } from '../config/file.ts';
import { parseSigner, parseVerifier } from '../ledger/note-key.ts';
import { readRecordingKey, resolveSecret } from '../config/secrets.ts';

const initialised = async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-init-'));
  return { dir, ...(await sallyport(['init', '--dir', dir])) };
};

const modeOf = (...path: string[]): number => statSync(join(...path)).mode & 0o777;

describe('sallyport init', () => {
  it('writes a config that loads, with keys where it says they are', async () => {
    const { dir, code } = await initialised();
    expect(code).toBe(0);
    const { config, baseDir } = loadConfig(join(dir, 'sallyport.yaml'));
    expect(readRecordingKey(config.recording.key, baseDir)).toHaveLength(32);
    const { verifier } = parseSigner(resolveSecret(config.ledger.key, baseDir));
    expect(readFileSync(join(dir, 'keys/ledger.pub'), 'utf8')).toBe(`${verifier.vkey}\n`);
    expect(parseVerifier(verifier.vkey).name).toMatch(/^[a-z0-9.-]+\/sallyport-[0-9a-f]{8}$/);
  });

  it('lets nobody else read the keys', async () => {
    const { dir } = await initialised();
    expect(modeOf(dir, 'keys')).toBe(0o700);
    expect(modeOf(dir, 'keys/recording.key')).toBe(0o600);
    expect(modeOf(dir, 'keys/ledger.key')).toBe(0o600);
  });

  it('keeps the keys out of version control, but not the public one', async () => {
    const { dir } = await initialised();
    expect(readFileSync(join(dir, 'keys/.gitignore'), 'utf8')).toContain('*\n!ledger.pub\n');
  });

  it('names a schema for editors that is there', async () => {
    const { dir } = await initialised();
    const [first = ''] = readFileSync(join(dir, 'sallyport.yaml'), 'utf8').split('\n');
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)$/.exec(first) ?? [];
    expect(JSON.parse(readFileSync(join(dir, schema), 'utf8'))).toMatchObject({ title: 'sallyport.yaml' });
  });

  it('overwrites nothing, and makes what is missing from what is there', async () => {
    const { dir } = await initialised();
    const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => /\./.test(name));
    const before = names.map((name) => readFileSync(join(dir, name), 'utf8'));
    rmSync(join(dir, 'keys/ledger.pub'));
    const { code, stdout } = await sallyport(['init', '--dir', dir]);
    expect(code).toBe(0);
    expect(names.map((name) => readFileSync(join(dir, name), 'utf8'))).toEqual(before);
    expect(stdout.match(/created/g)).toHaveLength(1);
    expect(stdout).toContain('created  keys/ledger.pub');
  });

  it('tells what it did as JSON, and what comes next on stderr', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-init-'));
    const { stdout, stderr } = await sallyport(['init', '--json', '--dir', dir]);
    expect(JSON.parse(stdout)).toMatchObject({
      dir,
      files: expect.arrayContaining([{ file: 'keys/ledger.pub', created: true }]),
    });
    expect(stderr).toContain('sallyport check');
  });

  it('shows no key', async () => {
    const { dir, stdout, stderr } = await initialised();
    for (const name of ['recording.key', 'ledger.key']) {
      const secret = readFileSync(join(dir, 'keys', name), 'utf8')
        .trim()
        .slice(-40);
      expect(secret).toMatch(/^[A-Za-z0-9+/]+=*$/);
      expect(stdout + stderr).not.toContain(secret);
    }
  });

  it('says in one line that it cannot write', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sallyport-init-')), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o600);
    const { code, stderr } = await sallyport(['init', '--dir', join(file, 'below')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: cannot make .*ENOTDIR.*\n$/);
  });
});
