import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { startModelServer } from '../support/model-server.ts';
import { UPSTREAM_KEY, usualConfig } from '../support/world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'sallyport-package-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The environment of somebody who has this Node and nothing of the repository. */
const environment = (): NodeJS.ProcessEnv => {
  // npm and vitest tell their children about the project that they run in; the folder is another one.
  const own = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^NODE_(?:OPTIONS|ENV|PATH)$|^VITEST|^PATH$/i.test(name),
  );
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  return { ...Object.fromEntries(own), PATH, UPSTREAM_KEY };
};

const run = (cwd: string, command: string, ...args: string[]) =>
  promisify(execFile)(command, args, { cwd, env: environment(), maxBuffer: 64 * 1024 ** 2 });

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

  it('takes a call, records it, and leaves evidence that verifies', async () => {
    const [idp, model] = await Promise.all([startIdentityProvider(), startModelServer()]);
    onTestFinished(async () => void (await Promise.all([idp.stop(), model.close()])));
    await sallyport('init', '--dir', 'gateway');
    writeFileSync(join(folder, 'gateway/sallyport.yaml'), usualConfig({ issuer: idp.issuer, model: model.url }));

    const args = ['node_modules/sallyport/dist/main.js', '--json', 'start', '--config', 'gateway/sallyport.yaml'];
    const gateway = spawn(process.execPath, args, {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void gateway.kill('SIGKILL'));
    const [line] = await once(createInterface({ input: gateway.stdout }), 'line');
    const { listeners }: { listeners: readonly number[] } = JSON.parse(String(line));

    const answer = await fetch(`http://127.0.0.1:${listeners[0]}/llm/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await idp.token('alice')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(answer.status).toBe(200);
    const session = answer.headers.get('sallyport-session');
    await answer.text();
    gateway.kill('SIGTERM');
    expect(await once(gateway, 'exit')).toEqual([0, null]);

    const listed = await sallyport('sessions', 'list', '--json', '--config', 'gateway/sallyport.yaml');
    expect(JSON.parse(listed.stdout)).toMatchObject([{ id: session, reason: 'completed' }]);
    const verified = await sallyport('ledger', 'verify', 'gateway/data', '--key', 'gateway/keys/ledger.pub', '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({
      ledger: { ok: true },
      journals: { sessions: 1, problems: [] },
    });
  });

  it('is a library that verifies a ledger without the gateway', async () => {
    const program = "import('sallyport/verify').then((verify) => console.log(Object.keys(verify).join()))";
    const { stdout } = await run(folder, 'node', '--input-type=module', '--eval', program);
    expect(stdout).toContain('verifyLog');
    expect(stdout).toContain('parseVerifier');
  });
});
