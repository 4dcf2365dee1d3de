/**
 * `npm run demo`: brings up an identity provider, a model server and a gateway, walks through the main job, and stays
 * up. `-- --once` ends after the walk, with 0 only when every step went as told; `-- --upstream URL` adds a model
 * server of yours as the service `mine`.
 */

import process from 'node:process';
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

async function walk(world: World): Promise<boolean> {
  for (const [i, step] of WALK.entries()) {
    tellStep(i + 1, step.title);
    tellWhy(step.why);
    try {
      tellHeld(await step.run(world));
    } catch (error) {
      tellFailed(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
  return true;
}

/** Resolves on Ctrl-C, on SIGTERM, or when the gateway ends by itself. */
const toldToStop = (world: World): Promise<unknown> =>
  Promise.race([
    world.gatewayEnded,
    ...['SIGINT', 'SIGTERM'].map((signal) => new Promise((resolve) => void process.once(signal, resolve))),
  ]);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, upstream: { type: 'string', default: '' } },
  });
  const world = await openWorld({ upstream: values.upstream });
  // From here on, whatever ends the demo ends everything that it started.
  const stop = toldToStop(world);
  try {
    tellTable(
      'Everything below really runs, on this machine only.',
      SEEDS.map(([name, of]) => [name, of(world)]),
    );
    const outcome = await Promise.race([walk(world), stop.then(() => null)]);
    if (outcome === null) return 130;
    if (values.once || !outcome) return outcome ? 0 : 1;
    tellLines('It stays up. To try:', commandsToTry(world, values.upstream));
    await stop;
    return 0;
  } finally {
    await world.close();
  }
}

process.exitCode = await main();
