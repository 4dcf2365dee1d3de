/** What the clients of the tests do, run against a server and kept as exchanges. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Exchange, fileOf, stored } from './exchange.ts';
import { startTap } from './mock-provider.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** Returns the name of a package with the version that is here. */
export const versionOf = (name: string): string => {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'));
  return `${name} ${version}`;
};

/** Writes an exchange where it is kept. */
export const keepExchange = (exchange: Exchange): void => {
  mkdirSync(new URL('.', fileOf(exchange)), { recursive: true });
  writeFileSync(fileOf(exchange), `${JSON.stringify(exchange, null, 2)}\n`);
  console.log(`${exchange.protocol}/${exchange.name}`);
};

/** Runs each scenario against the server at `url`, and keeps the first request of each and its answer. */
export const recordScenarios = async (scenarios: readonly Scenario[], url: string): Promise<void> => {
  for (const { protocol, client, name, server, expect, run } of scenarios) {
    const tap = await startTap(url);
    await run({ url: tap.url, token: 'token' });
    tap.stop();
    const [wire] = tap.seen;
    if (wire === undefined) throw new Error(`${protocol}/${name} sent nothing`);
    const by = client === 'HTTP' ? 'the request of its documentation' : versionOf(client);
    keepExchange({
      protocol,
      name,
      witness: `${by}, answered by ${server === 'aimock' ? versionOf('@copilotkit/aimock') : server}`,
      request: {
        method: wire.method,
        target: wire.target,
        contentType: wire.requestType,
        body: stored(wire.requestBody),
      },
      answer: { status: wire.status, contentType: wire.answerType, body: stored(wire.answerBody) },
      expect,
    });
  }
};
