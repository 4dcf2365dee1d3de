/**
 * Records the exchanges of the conformance tests anew: `node runtime/run.mjs test/protocols/record.ts [PART OF A NAME]`.
 * Every scenario is run by its official client against its server, and what passed is written to `exchanges/`.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { type Exchange, fileOf, stored } from './exchange.ts';
import { startProvider, startTap } from './mock-provider.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';

const versionOf = (name: string): string => {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'));
  return `${name} ${version}`;
};

const provider = await startProvider();
const [, , part = ''] = process.argv;

for (const { protocol, client, name, server, expect, run } of SCENARIOS) {
  if (!`${protocol}/${name}`.includes(part)) continue;
  const tap = await startTap(provider.url);
  await run({ url: tap.url, token: 'token' });
  tap.stop();
  const [wire] = tap.seen;
  if (wire === undefined) throw new Error(`${protocol}/${name} sent nothing`);
  const exchange: Exchange = {
    protocol,
    name,
    witness: `${versionOf(client)}, answered by ${server === 'aimock' ? versionOf('@copilotkit/aimock') : server}`,
    request: {
      method: wire.method,
      target: wire.target,
      contentType: wire.requestType,
      body: stored(wire.requestBody),
    },
    answer: { status: wire.status, contentType: wire.answerType, body: stored(wire.answerBody) },
    expect,
  };
  mkdirSync(new URL('.', fileOf(exchange)), { recursive: true });
  writeFileSync(fileOf(exchange), `${JSON.stringify(exchange, null, 2)}\n`);
  console.log(`${protocol}/${name}`);
}
await provider.stop();
process.exit(0);
