import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DESK_DESCRIPTORS } from '../kit/proto.ts';
import { type DeskClient, deskClient } from '../support/grpc-desk.ts';
import { type ScriptedServer, startScripted } from '../support/scripted-grpc.ts';
import { startWorld, type World } from '../support/world.ts';

const GZIP = 2;

let server: ScriptedServer;
let world: World;
let client: DeskClient;
beforeAll(async () => {
  server = await startScripted();
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
limits: { buffered: 8MiB, inspection: 30s }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: desk
    protocol: grpc
    upstream: { url: http://127.0.0.1:${server.port} }
    grpc: { descriptors: { file: ${DESK_DESCRIPTORS} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
`,
  );
  const options = { 'grpc.enable_retries': 0, 'grpc.default_compression_algorithm': GZIP };
  client = deskClient(new URL(world.url).host, options);
});
afterAll(async () => {
  client.close();
  await world.close();
  await server.close();
});

describe('compressed messages of callers', () => {
  it('take no more memory than there is for bodies, and give it back', async () => {
    const send = async (megabytes: number): Promise<number> => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${await world.idp.token('carol')}`);
      return (await client.call('Ask', [{ text: 'a'.repeat(megabytes * 1_000_000) }], { metadata })).code;
    };
    // a few kilobytes on the wire
    expect(await send(12)).toBe(status.UNAVAILABLE);
    for (let n = 0; n < 3; n++) expect(await send(6)).toBe(status.OK);
  });
});
