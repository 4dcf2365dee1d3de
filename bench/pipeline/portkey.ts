/**
 * The Portkey gateway from npm (open source, no authentication, no guards, no record), as a user would run it. It is
 * installed into a cache folder when a bench first needs it, from a lock file of ours, so that its version stands fixed.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from './child.ts';
import { CHAT, type Start, type Surroundings } from './contenders.ts';
import { freePort } from './free-port.ts';

const LOCKED = join(import.meta.dirname, 'portkey');
const INSTALL_WITHIN_MS = 120_000;

const version = (): string => {
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(LOCKED, 'package.json'), 'utf8'),
  );
  return manifest.dependencies['@portkey-ai/gateway'] ?? '';
};

/** Returns the folder that holds the installed gateway; throws when it cannot be installed. */
function install(cache: string, say: Surroundings['say']): string {
  const folder = join(cache, `portkey-${version()}`);
  const entry = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (existsSync(entry)) return entry;
  say(`  installing @portkey-ai/gateway ${version()} (once, 25 MB) …`);
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(LOCKED, file), join(folder, file));
  execFileSync('npm', ['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'pipe',
    timeout: INSTALL_WITHIN_MS,
  });
  return entry;
}

async function answers(port: number): Promise<boolean> {
  for (let tries = 0; tries < 100; tries += 1) {
    const ok = await fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return true;
    await sleep(100);
  }
  return false;
}

/** Starts Portkey, installing it first when needed. */
export const startPortkey: Start = async ({ upstream, cache, say }) => {
  let entry: string;
  try {
    entry = install(cache, say);
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
    return { skipped: `@portkey-ai/gateway ${version()} cannot be installed here: ${line}` };
  }
  const port = await freePort();
  const child = startChild([process.execPath, entry, `--port=${port}`, '--headless'], {
    core: 'contender',
    silent: true,
    env: { NODE_ENV: 'production' },
  });
  if (!(await answers(port))) {
    await child.stop();
    return { skipped: `@portkey-ai/gateway ${version()} did not start within 10 s` };
  }
  return {
    name: 'portkey',
    title: `Portkey gateway ${version()}, no authentication, no guards, no record`,
    pid: child.pid,
    call: {
      port,
      path: CHAT,
      fields: `x-portkey-provider: openai\r\nx-portkey-custom-host: http://127.0.0.1:${upstream}/v1\r\n`,
      expect: 'plain',
    },
    stop: () => child.stop(),
  };
};
