/**
 * `npm run bench -- stream`: what a gateway adds to the time to the first token and to each event of a streamed answer
 * that comes a token every few milliseconds: straight from the model server, through a bare Node proxy, and through
 * Sallyport with everything on, one stream at a time, in turn.
 */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BenchOptions } from './bench.ts';
import { type Child, startServer } from './pipeline/child.ts';
import { CHAT } from './pipeline/contenders.ts';
import { startIssuer } from './pipeline/issuer.ts';
import { startSallyport } from './pipeline/sallyport.ts';

/** Milliseconds. */
interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** What one contender took. */
export interface StreamReport {
  /** From the first byte of the request to the first event. */
  readonly first: Times;
  /** From the moment in which the model server wrote an event to its arrival. */
  readonly event: Times;
}

const EVENTS = 129;
const BETWEEN_MS = 3;
const CACHE = join(import.meta.dirname, '../node_modules/.cache/sallyport-bench');
const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  stream: true,
  max_tokens: 512,
  messages: [{ role: 'user', content: 'What does this mean? '.repeat(200) }],
});

/** When each event of the stream that is under way was written. */
const written: number[] = [];

async function startModel(): Promise<Server & { port: number }> {
  const server = createServer((req, res) => {
    req.resume().once('end', () => void answer(res));
  });
  const answer = async (res: ServerResponse): Promise<void> => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (let at = 0; at < EVENTS; at++) {
      await wait(BETWEEN_MS);
      const chunk = { id: 'c', object: 'chat.completion.chunk', created: at, model: 'gpt-4o-mini' };
      const choices = [{ index: 0, delta: { content: 'word ' }, finish_reason: null }];
      written[at] = performance.now();
      res.write(`data: ${JSON.stringify({ ...chunk, choices })}\n\n`);
    }
    res.end('data: [DONE]\n\n');
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return Object.assign(server, { port: typeof address === 'object' && address !== null ? address.port : 0 });
}

/** Resolves to the time to the first event and the delay of each. Throws when an event is missing. */
async function stream(
  agent: Agent,
  port: number,
  path: string,
  token: string,
): Promise<{ readonly first: number; readonly delays: readonly number[] }> {
  const sent = performance.now();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const req = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers });
  req.end(BODY);
  const [res] = await once(req, 'response');
  if (res.statusCode !== 200) throw new Error(`${path} was answered with ${res.statusCode}`);
  const came: number[] = [];
  let rest = '';
  for await (const chunk of res) {
    const now = performance.now();
    const events = (rest + String(chunk)).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const at = /"created":(\d+)/.exec(event)?.[1];
      if (at !== undefined) came[Number(at)] = now;
    }
  }
  if (came.length !== EVENTS || came.includes(undefined!)) throw new Error(`${came.length} of ${EVENTS} events came`);
  return { first: (came[0] ?? 0) - sent, delays: came.map((at, n) => at - (written[n] ?? 0)) };
}

const timesOf = (values: readonly number[]): Times => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(3));
  return { p50: at(0.5), p99: at(0.99) };
};

/** Measures and tells. */
export async function run({ quick, say }: BenchOptions): Promise<Readonly<Record<string, StreamReport>>> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'stream-'));
  const issuer = await startIssuer(1);
  const model = await startModel();
  const bare: Child & { port: number } = await startServer(
    'bare-proxy.ts',
    'contender',
    `http://127.0.0.1:${model.port}`,
  );
  const gateway = await startSallyport({ upstream: model.port, cache: CACHE, folder, issuer, say });
  const agent = new Agent({ keepAlive: true });
  const contenders = {
    direct: [model.port, CHAT],
    bare: [bare.port, CHAT],
    sallyport: [gateway.call.port, gateway.call.path],
  } as const;
  try {
    const firsts: Record<string, number[]> = {};
    const delays: Record<string, number[]> = {};
    // the first rounds warm up
    const warm = quick ? 2 : 10;
    for (let round = 0; round < warm + (quick ? 5 : 40); round++) {
      for (const [name, [port, path]] of Object.entries(contenders)) {
        const took = await stream(agent, port, path, issuer.tokens[0] ?? '');
        if (round < warm) continue;
        (firsts[name] ??= []).push(took.first);
        (delays[name] ??= []).push(...took.delays);
      }
    }
    const report = Object.fromEntries(
      Object.keys(contenders).map((name) => [
        name,
        { first: timesOf(firsts[name] ?? []), event: timesOf(delays[name] ?? []) },
      ]),
    );
    for (const [name, { first, event }] of Object.entries(report))
      say(
        `  ${name.padEnd(10)} first event p50 ${first.p50} ms, p99 ${first.p99} ms; ` +
          `each event p50 ${event.p50} ms, p99 ${event.p99} ms`,
      );
    return report;
  } finally {
    agent.destroy();
    await gateway.stop();
    await bare.stop();
    model.close();
    model.closeAllConnections();
    issuer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
