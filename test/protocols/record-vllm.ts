/** Records exchanges of a real vLLM anew: `SALLYPORT_VLLM=…/bin/vllm node runtime/run.mjs test/protocols/record-vllm.ts`. */

import process from 'node:process';
import { startVllm, vllm, type VllmPurpose } from '../interop/vllm/vllm.ts';
import { recordScenarios } from './recording.ts';
import { VLLM_FOR, VLLM_SAYS } from './scenarios/vllm.ts';

const server = vllm();
if (server.kind === 'none') {
  console.log(`not run: ${server.why}`);
  process.exit(2);
}
const purposes: readonly VllmPurpose[] = ['texts', 'vectors'];
for (const purpose of purposes) {
  const running = await startVllm(server, purpose, VLLM_SAYS);
  await recordScenarios(VLLM_FOR[purpose], running.url);
  await running.stop();
}
process.exit(0);
