/** Records exchanges of a real llama-server anew: `node runtime/run.mjs test/protocols/record-llama-server.ts`. */

import process from 'node:process';
import { llamaServer, type Purpose, startLlama } from '../interop/llama/llama-server.ts';
import { recordScenarios } from './recording.ts';
import { LLAMA_SERVER_FOR, LLAMA_SAYS } from './scenarios/llama-server.ts';

const server = llamaServer();
if (server.kind === 'none') {
  console.log(`not run: ${server.why}`);
  process.exit(2);
}
const purposes: readonly Purpose[] = ['texts', 'embeddings', 'ranks'];
for (const purpose of purposes) {
  const llama = await startLlama(server, purpose, LLAMA_SAYS);
  await recordScenarios(LLAMA_SERVER_FOR[purpose], llama.url);
  await llama.stop();
}
process.exit(0);
