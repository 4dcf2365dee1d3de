/**
 * Records the exchanges of the conformance tests anew: `node runtime/run.mjs test/protocols/record.ts [PART OF A NAME]`.
 * Every scenario is run by its official client against its server, and what passed is written to `exchanges/`.
 */

import process from 'node:process';
import { startProvider } from './mock-provider.ts';
import { recordScenarios } from './recording.ts';
import { MOCKED } from './scenarios/scenarios.ts';

const [, , part = ''] = process.argv;
const provider = await startProvider();
await recordScenarios(
  MOCKED.filter(({ protocol, name }) => `${protocol}/${name}`.includes(part)),
  provider.url,
);
await provider.stop();
process.exit(0);
