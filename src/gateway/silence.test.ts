import { once } from 'node:events';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { Server } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CanonicalRequest } from '../call.ts';
import { configSchema, type ServiceConfig } from '../config.ts';
import type { Failure } from '../reasons.ts';
import { type AnswerSink, forward } from './forward.ts';
import { http1Options } from './http/http1.ts';
import { openUpstream, type Upstream } from './upstream.ts';

function serviceTo(url: string, http: 1.1 | 2): ServiceConfig {
  const { services, limits } = configSchema.parse({
    identity: { issuers: [{ issuer: 'https://idp.example.com', audience: 'a' }] },
    services: [{ name: 's', protocol: 'http', upstream: { url, http, answer_timeout: '2h', idle_timeout: '1h' } }],
  });
  expect(limits.body_timeout).toBeGreaterThan(0);
  return services[0]!;
}

const request: CanonicalRequest = {
  method: 'POST',
  service: 's',
  path: '/x',
  query: '',
  rawHeaders: ['Host', 'gw'],
  source: '',
};

/** Keeps what becomes of a call. */
class Kept implements AnswerSink {
  readonly heard: string[] = [];
  readonly headed = Promise.withResolvers<void>();
  readonly over = Promise.withResolvers<void>();
  interim(status: number): void {
    this.heard.push(`interim ${status}`);
  }
  head(status: number): void {
    this.heard.push(`head ${status}`);
    this.headed.resolve();
  }
  data(chunk: Buffer): void {
    this.heard.push(chunk.toString());
  }
  end(): void {
    this.heard.push('end');
    this.over.resolve();
  }
  fail(failure: Failure): void {
    this.heard.push(failure.reason);
    this.over.resolve();
  }
  flow(): void {}
}

// node's own timers (sockets) stay real; those of undici, which keeps one for all, and ours follow the test
beforeAll(
  () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] }),
);
afterAll(() => void vi.useRealTimers());

/** Lets time pass in steps, and the sockets do their work in between: a session whose ping is not answered ends. */
async function pass(minutes: number): Promise<void> {
  for (let seconds = 0; seconds < minutes * 60; seconds += 10) {
    await vi.advanceTimersByTimeAsync(10_000);
    await sleep(1);
  }
}

/** The part of an exchange that both versions of HTTP have. */
type OnRequest = (req: Readable, res: { writeHead(status: number): unknown; write(bytes: string): unknown }) => void;

const VERSIONS: readonly (readonly [1.1 | 2, (onRequest: OnRequest) => Server])[] = [
  [1.1, (onRequest) => createHttp1(onRequest)],
  [2, (onRequest) => createHttp2(onRequest)],
];

describe.each(VERSIONS)('an upstream over HTTP/%s', (http, createServer) => {
  let server: Server;
  let upstream: Upstream;
  const start = async (onRequest: OnRequest): Promise<Kept> => {
    server = createServer(onRequest).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('expected a port');
    upstream = openUpstream(serviceTo(`http://127.0.0.1:${bound.port}`, http), new Set());
    const kept = new Kept();
    forward(upstream, { request, body: Buffer.from('{}'), fields: [], identity: false }, kept);
    return kept;
  };
  afterEach(() => {
    server.close();
    void upstream.close();
  });

  it('may be silent for an hour where the service says so, and not for longer', async () => {
    const kept = await start((req, res) => {
      req.resume();
      res.writeHead(200);
      res.write('first');
    });
    await kept.headed.promise;
    await pass(59);
    expect(kept.heard).toEqual(['head 200', 'first']);
    await pass(2);
    await kept.over.promise;
    expect(kept.heard.at(-1)).toBe('upstream-timeout');
  });

  it('may think for two hours before it answers where the service says so, and not for longer', async () => {
    const asked = Promise.withResolvers<void>();
    const kept = await start((req) => {
      req.resume();
      asked.resolve();
    });
    await asked.promise;
    await pass(119);
    expect(kept.heard).toEqual([]);
    await pass(2);
    await kept.over.promise;
    expect(kept.heard).toEqual(['upstream-timeout']);
  });
});

describe('a caller over HTTP/1.1', () => {
  it('has no clock over its request but ours: none of node ends a long upload or a silent answer', async () => {
    const { limits } = configSchema.parse({
      identity: { issuers: [{ issuer: 'https://idp.example.com', audience: 'a' }] },
      services: [{ name: 's', protocol: 'http', upstream: { url: 'http://127.0.0.1:1' } }],
      limits: { head_timeout: '7s', keep_alive: '8s' },
    });
    const opened = createHttp1(http1Options(limits));
    expect({
      timeout: opened.timeout,
      requestTimeout: opened.requestTimeout,
      headersTimeout: opened.headersTimeout,
      keepAliveTimeout: opened.keepAliveTimeout,
      maxRequestsPerSocket: opened.maxRequestsPerSocket,
    }).toEqual({
      timeout: 0,
      requestTimeout: 0,
      headersTimeout: 7_000,
      keepAliveTimeout: 8_000,
      maxRequestsPerSocket: 0,
    });
  });
});
