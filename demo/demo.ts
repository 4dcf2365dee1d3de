/**
 * `npm run demo`: brings up an identity provider, a model server and a gateway, walks through the main job, and stays
 * up. `-- --once` ends after the walk, with 0 only when every step went as told; `-- --upstream URL` adds a model
 * server of yours as the service `mine`.
 */

import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { noToken } from './steps/1-no-token.ts';
import { openaiClient } from './steps/2-openai-client.ts';
import { maskedStream } from './steps/3-masked-stream.ts';
import { policyDenies } from './steps/4-policy.ts';
import { humanApproves } from './steps/5-approval.ts';
import { replay } from './steps/6-replay.ts';
import { ledgerVerifies } from './steps/7-ledger.ts';
import { tampering } from './steps/8-tampering.ts';
import type { Step } from './steps/step.ts';
import { tellFailed, tellHeld, tellLines, tellStep, tellTable, tellWhy } from './tell.ts';
import { commandsToTry } from './try-next.ts';
import { openWorld, type World } from './world.ts';

/** The walk, in order: a later step may look at what an earlier one left. */
const WALK: readonly Step[] = [
  noToken,
  openaiClient,
  maskedStream,
  policyDenies,
  humanApproves,
  replay,
  ledgerVerifies,
  tampering,
];

const SEEDS: readonly (readonly [string, (world: World) => string])[] = [
  ['identity provider', ({ issuerUrl }) => `${issuerUrl}   (oidc-provider)`],
  ['model server', ({ model }) => `${model.url}   (aimock, speaks the OpenAI API, streams 40 tokens a second)`],
  ['gateway', ({ baseUrl }) => `${baseUrl}   (sallyport start)`],
  ['folder', ({ folder }) => `${folder}   (sallyport.yaml, keys, records)`],
];

async function walk(world: World): Promise<void> {
  for (const [i, step] of WALK.entries()) {
    tellStep(i + 1, step.title);
    tellWhy(step.why);
    tellHeld(await step.run(world));
  }
}

const LOOK_EVERY_MS = 500;

/** Resolves when the npm that started this is gone: a signal that ends npm ends its shell, and does not get here. */
async function npmGone(): Promise<void> {
  const parent = process.ppid;
  while (process.env['npm_lifecycle_event'] === undefined || process.ppid === parent)
    await sleep(LOOK_EVERY_MS, undefined, { ref: false });
}

/** Resolves on Ctrl-C, on SIGTERM, or when npm is gone; to '', which is no failure. */
const toldToStop = async (): Promise<''> => {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  await Promise.race([npmGone(), ...signals.map((signal) => new Promise((resolve) => process.once(signal, resolve)))]);
  return '';
};

/** Returns the exit code of a demo that ended before its time; `why` is empty when it was told to. */
function endedEarly(why: string): number {
  if (why !== '') tellFailed(why);
  return why === '' ? 130 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, upstream: { type: 'string', default: '' } },
  });
  // Listened for from the beginning: whatever ends the demo ends everything that it started.
  const told = toldToStop();
  const world = await openWorld({ upstream: values.upstream });
  const stop = Promise.race([told, world.gatewayEnded]);
  try {
    tellTable(
      'Everything below really runs, on this machine only.',
      SEEDS.map(([name, of]) => [name, of(world)]),
    );
    const early = await Promise.race([walk(world).then(() => null), stop]);
    if (early !== null) return endedEarly(early);
    if (values.once) return 0;
    tellLines('It stays up. To try:', commandsToTry(world, values.upstream));
    const why = await stop;
    return why === '' ? 0 : endedEarly(why);
  } catch (error) {
    tellFailed(error instanceof Error ? error.message : String(error));
    tellFailed(`the last that the gateway logged:\n${world.gatewayLog()}`);
    return 1;
  } finally {
    await world.close();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  tellFailed(`the demo cannot start: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
});
