/** Everything that the demo runs: an identity provider, a model server, a gateway in a fresh folder, and two people. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { startIdentityProvider } from '../test/support/identity-provider.ts';
import { demoConfig } from './config.ts';
import { type Model, startModel } from './model.ts';
import { type CommandResult, type Gateway, runCommand, startGateway } from './sallyport.ts';

/** One of the people of the demo. */
export interface Person {
  readonly name: string;
  /** A fresh access token for the gateway. */
  readonly token: string;
}

/** What the steps of the walk work with. */
export interface World {
  /** Where sallyport.yaml, the keys and the records are. */
  readonly folder: string;
  /** What an OpenAI client takes as base URL. */
  readonly baseUrl: string;
  readonly controlUrl: string;
  readonly issuerUrl: string;
  readonly model: Model;
  /** Asks: may use the models. */
  readonly alice: Person;
  /** Approves: leads the group. */
  readonly bob: Person;
  /** Resolves when the gateway ends, to a line that says how. */
  readonly gatewayEnded: Promise<string>;
  /** Returns the end of what the gateway has logged. */
  readonly gatewayLog: () => string;
  /** Returns the unmodified client of the `openai` package with a person's token in the place of the API key. */
  readonly client: (person: Person) => OpenAI;
  /** Runs `sallyport ARG …` in the folder, as a person or as nobody. */
  readonly sallyport: (
    args: readonly string[],
    person?: Person,
    onOutput?: (text: string) => void,
  ) => Promise<CommandResult>;
  /** What earlier steps leave for later ones. */
  readonly left: { streamedSession: string; approvedSession: string };
  readonly close: () => Promise<void>;
}

/** How the demo is to run. */
export interface WorldOptions {
  /** Origin of a model server of the user's own, offered as a second service; empty for none. */
  readonly upstream: string;
}

/** Starts everything. What was started is ended again when something cannot be. */
export async function openWorld({ upstream }: WorldOptions): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
  const closers: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const idp = await startIdentityProvider();
    closers.push(() => idp.stop());
    const model = await startModel();
    closers.push(() => model.close());
    const [port, controlPort] = [await portNear(8080), await portNear(8081)];
    const addresses = { issuer: idp.issuer, model: model.url, upstream, port, controlPort };
    writeFileSync(join(folder, 'sallyport.yaml'), demoConfig(addresses));
    const made = await runCommand(folder, ['init']);
    if (made.code !== 0) throw new Error(`sallyport init failed: ${made.stderr}`);
    const gateway: Gateway = await startGateway(folder, { MODEL_SERVER_KEY: MODEL_KEY });
    closers.push(() => gateway.stop());

    const controlUrl = `http://127.0.0.1:${controlPort}`;
    const baseUrl = `http://127.0.0.1:${port}/llm/v1`;
    return {
      folder,
      baseUrl,
      controlUrl,
      issuerUrl: idp.issuer,
      model,
      alice: { name: 'alice', token: await idp.token('alice') },
      bob: { name: 'bob', token: await idp.token('bob') },
      gatewayEnded: gateway.ended,
      gatewayLog: gateway.log,
      client: (person) => new OpenAI({ baseURL: baseUrl, apiKey: person.token, maxRetries: 0 }),
      sallyport: (args, person, onOutput) =>
        runCommand(folder, args, { SALLYPORT_URL: controlUrl, SALLYPORT_TOKEN: person?.token ?? '' }, onOutput),
      left: { streamedSession: '', approvedSession: '' },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the gateway presents to the model server; callers never see it, and the model server never sees theirs. */
export const MODEL_KEY = 'key-of-the-model-server';

/** Returns `preferred` when it is free on this machine, else a port that is. */
async function portNear(preferred: number): Promise<number> {
  for (const port of [preferred, 0]) {
    const server = createServer();
    const outcome = once(server, 'listening').catch(() => null);
    server.listen(port, '127.0.0.1');
    if ((await outcome) === null) continue;
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (address !== null && typeof address === 'object') return address.port;
  }
  throw new Error('no port is free on 127.0.0.1');
}
