/**
 * vLLM: `SALLYPORT_VLLM` names its command (`…/bin/vllm`), beside the Python that has it. It is too large to be fetched for
 * a test; one that works on a CPU is enough.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { freePort, runScript, serve, type Serving } from '../serving.ts';

/** A vLLM, or why there is none. */
export type Vllm =
  | { readonly kind: 'vllm'; readonly command: string }
  | { readonly kind: 'none'; readonly why: string };

/** What a server is started for: a model that writes, or one whose states are taken as vectors. */
export type VllmPurpose = 'texts' | 'vectors';

const PURPOSES: Readonly<Record<VllmPurpose, readonly string[]>> = {
  texts: ['--enable-auto-tool-choice', '--tool-call-parser', 'hermes'],
  vectors: ['--runner', 'pooling', '--hf-overrides', '{"is_matryoshka": true}'],
};

/** It asks nobody anything, and takes no more memory than the tiny model needs. */
const ALONE = {
  VLLM_NO_USAGE_STATS: '1',
  HF_HUB_OFFLINE: '1',
  VLLM_CPU_KVCACHE_SPACE: '1',
};

/** Returns the vLLM that is named, if it runs. */
export const vllm = (): Vllm => {
  const command = process.env['SALLYPORT_VLLM'];
  if (command === undefined) return { kind: 'none', why: 'SALLYPORT_VLLM names no vLLM' };
  const { status } = spawnSync(command, ['--version'], { stdio: 'ignore', env: { ...process.env, ...ALONE } });
  return status === 0 ? { kind: 'vllm', command } : { kind: 'none', why: `${command} does not run` };
};

/** Starts a server of a tiny model that says `says`, and nothing else. */
export const startVllm = async (
  { command }: Extract<Vllm, { readonly kind: 'vllm' }>,
  purpose: VllmPurpose,
  says: readonly Buffer[],
): Promise<Serving & { readonly url: string }> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-vllm-'));
  const pieces = says.map((piece) => piece.toString('hex'));
  await runScript(join(dirname(command), 'python'), [join(import.meta.dirname, 'make_model.py'), folder, ...pieces]);
  const url = `http://127.0.0.1:${await freePort()}`;
  const where = ['--host', '127.0.0.1', '--port', new URL(url).port];
  const model = [
    'serve',
    folder,
    '--enable-log-requests',
    '--served-model-name',
    'tiny',
    '--enforce-eager',
    '--dtype',
    'bfloat16',
  ];
  const serving = await serve(command, [...model, ...where, ...PURPOSES[purpose]], {
    cwd: folder,
    url: `${url}/health`,
    env: ALONE,
  });
  return {
    ...serving,
    url,
    async stop() {
      // its engine is a process of its own, which it ends when it is asked to end
      const ended = new Promise((resolve) => serving.child.once('exit', resolve));
      serving.child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
};
