import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'sallyport-package-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command as somebody does who has this Node and nothing of the repository. */
const run = async (cwd: string, command: string, ...args: string[]) => {
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const { PATH: _, ...env } = process.env;
  // npm tells its children about the project that it runs in; this folder is another one.
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^VITEST/i.test(name)));
  return await promisify(execFile)(command, args, { cwd, env: { ...clean, PATH }, maxBuffer: 64 * 1024 ** 2 });
};

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed = { filename: '', files: [] };

beforeAll(async () => {
  const { stdout } = await run(
    ROOT,
    'npm',
    'pack',
    '--json',
    '--foreground-scripts=false',
    '--pack-destination',
    folder,
  );
  // Newer npm writes an object with the package's name in place of the list of one.
  const answer: Record<string, Packed> | readonly Packed[] = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  packed = Object.values(answer)[0] ?? packed;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'somebody', private: true }));
  await run(folder, 'npm', 'install', '--no-audit', '--no-fund', `./${packed.filename}`);
}, 300_000);

const sallyport = (...args: string[]) => run(folder, 'npx', '--no-install', 'sallyport', ...args);

describe('the published package', () => {
  it('holds what it needs and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const beside = paths.filter((path) => !path.startsWith('dist/'));
    expect(beside.toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
      'sallyport.schema.json',
    ]);
    const built = paths.filter((path) => path.startsWith('dist/'));
    expect(built).toContain('dist/main.js');
    expect(built.filter((path) => !/\.(?:js|d\.ts)$/.test(path) || /\.(?:test|bench)\./.test(path))).toEqual([]);
  });

  it('runs nothing when it is installed', () => {
    const manifest: { scripts?: Record<string, string> } = JSON.parse(
      readFileSync(join(folder, 'node_modules/sallyport/package.json'), 'utf8'),
    );
    expect(Object.keys(manifest.scripts ?? {}).filter((name) => /install$|^prepare$/.test(name))).toEqual([]);
  });

  it('prints its version', async () => {
    const { stdout } = await sallyport('--version');
    expect(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))).toMatchObject({ version: stdout.trim() });
  });

  it('writes a first config that it finds nothing wrong with', async () => {
    await sallyport('init', '--dir', 'gateway');
    const { stdout } = await sallyport('check', '--json', 'gateway/sallyport.yaml');
    const findings: readonly { readonly result: string }[] = JSON.parse(stdout);
    expect(findings.length).toBeGreaterThan(3);
    expect(findings.filter(({ result }) => result !== 'ok')).toEqual([]);
  });
});
