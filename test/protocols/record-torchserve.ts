/** Records a real TorchServe anew: `SALLYPORT_TORCHSERVE=…/bin/torchserve node runtime/run.mjs test/protocols/record-torchserve.ts`. */

import process from 'node:process';
import { startTorchserve, torchserve } from '../interop/torchserve/torchserve.ts';
import { recordScenarios } from './recording.ts';
import { TORCHSERVE_AT } from './scenarios/torchserve.ts';

const server = torchserve();
if (server.kind === 'none') {
  console.log(`not run: ${server.why}`);
  process.exit(2);
}
const running = await startTorchserve(server);
await recordScenarios(TORCHSERVE_AT.predictions, running.predictions);
await recordScenarios(TORCHSERVE_AT.management, running.management);
await running.stop();
process.exit(0);
