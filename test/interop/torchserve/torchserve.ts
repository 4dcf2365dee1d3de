/**
 * TorchServe: `SALLYPORT_TORCHSERVE` names its command (`…/bin/torchserve`), beside which torch-model-archiver stands; it
 * needs Java and PyTorch, which are too large to be fetched for a test.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { freePort, serve, type Serving } from '../serving.ts';

/** A TorchServe, or why there is none. */
export type Torchserve =
  | { readonly kind: 'torchserve'; readonly command: string }
  | { readonly kind: 'none'; readonly why: string };

/** Returns the TorchServe that is named, if it runs. */
export const torchserve = (): Torchserve => {
  const command = process.env['SALLYPORT_TORCHSERVE'];
  if (command === undefined) return { kind: 'none', why: 'SALLYPORT_TORCHSERVE names no TorchServe' };
  const { status } = spawnSync(command, ['--version'], { stdio: 'ignore' });
  return status === 0 ? { kind: 'torchserve', command } : { kind: 'none', why: `${command} does not run` };
};

/** A running server. */
export interface RunningTorchserve extends Serving {
  readonly predictions: string;
  readonly management: string;
}

/** Starts a server of the model `talker`, which says again what it is told. */
export const startTorchserve = async ({
  command,
}: Extract<Torchserve, { readonly kind: 'torchserve' }>): Promise<RunningTorchserve> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-torchserve-'));
  copyFileSync(join(import.meta.dirname, 'talker.py'), join(folder, 'talker.py'));
  mkdirSync(join(folder, 'store'));
  // it looks for its Python on the path, and in the temporary folder for another one of itself
  const env = {
    TMPDIR: folder,
    PATH: `${dirname(command)}${delimiter}${process.env['PATH'] ?? ''}`,
  };
  const archive = ['--model-name', 'talker', '--version', '1.0', '--handler', 'talker.py', '--export-path', 'store'];
  const archived = spawnSync(join(dirname(command), 'torch-model-archiver'), archive, {
    cwd: folder,
    encoding: 'utf8',
  });
  if (archived.status !== 0) throw new Error(`torch-model-archiver: ${archived.stderr}`);
  const [http, manage, metrics, one, two] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const settings = [
    `inference_address=http://127.0.0.1:${http}`,
    `management_address=http://127.0.0.1:${manage}`,
    `metrics_address=http://127.0.0.1:${metrics}`,
    `grpc_inference_port=${one}`,
    `grpc_management_port=${two}`,
    'disable_token_authorization=true',
    'default_workers_per_model=1',
  ];
  writeFileSync(join(folder, 'config.properties'), `${settings.join('\n')}\n`);
  const predictions = `http://127.0.0.1:${http}`;
  const args = ['--foreground', '--ncs', '--model-store', 'store', '--models', 'talker=talker.mar'];
  const serving = await serve(command, [...args, '--ts-config', 'config.properties'], {
    cwd: folder,
    url: `${predictions}/predictions/talker`,
    env,
  });
  return {
    ...serving,
    predictions,
    management: `http://127.0.0.1:${manage}`,
    async stop() {
      const ended = new Promise((resolve) => serving.child.once('exit', resolve));
      // the server is a process of its own, of which the command only tells the number
      process.kill(Number(readFileSync(join(folder, '.model_server.pid'), 'utf8')), 'SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
