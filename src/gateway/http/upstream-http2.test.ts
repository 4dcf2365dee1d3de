import { lookup } from 'node:dns';
import { afterEach, describe, expect, it } from 'vitest';
import { startScripted, type ScriptedServer } from '../../../test/support/scripted-grpc.ts';
import { splitUpstream } from '../../address.ts';
import { Http2Sessions } from './upstream-http2.ts';

let server: ScriptedServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const open = async () => {
  server = await startScripted();
  const address = splitUpstream(`http://127.0.0.1:${server.port}`);
  if (address === null) throw new Error('expected an address');
  const sessions = new Http2Sessions({ address, connections: 4, connectTimeout: 1000, lookup, tls: {} });
  const head = [':method', 'POST', ':path', '/x', ':scheme', 'http', ':authority', 'x'];
  const call = (): Promise<void> =>
    new Promise((resolve) => {
      const { stream } = sessions.request(head, false);
      stream
        .on('data', () => {})
        .on('error', () => {})
        .on('close', () => resolve());
      stream.end();
    });
  return { server, sessions, call };
};

describe('Http2Sessions', () => {
  it.each(['goaway', 'destroy'] as const)('closes although a peer said %s and does no more', async (how) => {
    const { server, sessions, call } = await open();
    await call();
    if (how === 'goaway') server.sessions.at(-1)?.goaway(0);
    else server.sessions.at(-1)?.destroy();
    await expect
      .poll(async () => {
        await call();
        return server.sessions.length;
      })
      .toBe(2);
    await sessions.close();
  });
});
