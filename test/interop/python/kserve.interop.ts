import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../../support/world.ts';
import { freePort, runScript, serve, type Serving } from '../serving.ts';
import { pythonWith } from './python.ts';

const HERE = import.meta.dirname;
const PACKAGES = ['mlserver==1.7.1', 'mlserver-sklearn==1.7.1', 'tritonclient[http]==2.73.0', 'kserve==0.16.0'];
const python = pythonWith(PACKAGES, [
  'mlserver',
  'mlserver_sklearn',
  'tritonclient.http',
  'tritonclient.grpc',
  'kserve',
]);
// its grpcio is a newer one than MLServer can live with
const grpcPython = pythonWith(['tritonclient[grpc]==2.73.0'], ['tritonclient.grpc', 'grpc']);

/** What the clients saw. */
interface Seen {
  readonly iris: { readonly classes: unknown; readonly unload: string };
  readonly 'triton-json': { readonly said: unknown };
  readonly 'triton-binary': { readonly said: unknown };
  readonly 'kserve-json': { readonly said: unknown };
  readonly 'kserve-binary': { readonly said: unknown };
  readonly v1: { readonly predictions: readonly unknown[] };
  readonly stream: string;
  readonly grpc: {
    readonly said: unknown;
    readonly stream: string;
    readonly classes: unknown;
    readonly unload: string;
  };
}

if (python.kind === 'none') it(`MLServer, kserve and tritonclient: not run, ${python.why}`, () => {});
else if (grpcPython.kind === 'none') it(`tritonclient over gRPC: not run, ${grpcPython.why}`, () => {});
else
  describe('the official clients of KServe and Triton, against MLServer and the server of kserve', () => {
    const { command } = python;
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-mlserver-'));
    const servers: Serving[] = [];
    let world: World;
    let mlserver = '';
    let kserve = '';
    let mlserverGrpc = '';

    beforeAll(async () => {
      const [http, grpc, metrics, other] = [await freePort(), await freePort(), await freePort(), await freePort()];
      mlserver = `http://127.0.0.1:${http}`;
      mlserverGrpc = `127.0.0.1:${grpc}`;
      kserve = `http://127.0.0.1:${other}`;
      const make = [join(HERE, 'mlserver/make_models.py'), folder, String(http), String(grpc), String(metrics)];
      await runScript(command, make);
      servers.push(
        await serve(command, ['-m', 'mlserver.cli.main', 'start', folder], {
          cwd: folder,
          url: `${mlserver}/v2/models/iris/ready`,
        }),
        await serve(command, [join(HERE, 'kserve_server.py'), String(other)], {
          cwd: folder,
          url: `${kserve}/v2/models/echo/ready`,
        }),
      );
      world = await startWorld(
        ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: mlserver, protocol: kserve, upstream: { url: ${mlserver} }, grpc: { url: http://${mlserverGrpc} } }
  - { name: kserve, protocol: kserve, upstream: { url: ${kserve} } }
  - { name: kserve-v1, protocol: tfserving, upstream: { url: ${kserve} } }
policies:
  - { name: all, when: '"ml" in caller.groups', then: allow }
  - { name: manage, when: '"privacy-cleared" in caller.groups && call.management', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', direction: response, entities: [email] }
`,
      );
    });
    afterAll(async () => {
      await Promise.all([...servers.map((server) => server.stop()), world.close()]);
      rmSync(folder, { recursive: true, force: true });
    });

    const call = async (one: string, two: string, three: string, grpc: string, token: string): Promise<Seen> => ({
      ...(await runScript<Omit<Seen, 'grpc'>>(command, [join(HERE, 'kserve_calls.py'), one, two, three, token])),
      grpc: await runScript<Seen['grpc']>(grpcPython.command, [join(HERE, 'triton_grpc_calls.py'), grpc, token]),
    });
    const through = async (who: string): Promise<Seen> =>
      call(
        `${world.url}/mlserver`,
        `${world.url}/kserve`,
        `${world.url}/kserve-v1`,
        new URL(world.url).host,
        await world.idp.token(who),
      );

    it('see through the gateway what they see without it', async () => {
      const direct = await call(mlserver, kserve, kserve, mlserverGrpc, 'unused');
      expect(direct.iris.classes).toEqual([0, 2]);
      expect(direct['triton-binary'].said).toEqual(['write to anna@example.com, please', 'é']);
      expect(direct.stream).toBe('write to anna@example.com, please');
      // MLServer streams bare answers, whose model name tritonclient takes for an error: the same with and without us
      expect(direct.grpc.stream).toContain('echo');
      expect(direct.grpc).toMatchObject({
        said: ['write to anna@example.com, please', 'é'],
      });
      expect(await through('carol')).toEqual(direct);
    });

    it('see masked texts, in JSON, in binary and streamed', async () => {
      const seen = await through('alice');
      const masked = 'write to <EMAIL>, please';
      expect(seen.iris.classes).toEqual([0, 2]);
      expect(seen['triton-json'].said).toEqual([masked, 'é']);
      expect(seen['triton-binary'].said).toEqual([masked, 'é']);
      expect(seen['kserve-json'].said).toEqual([masked]);
      expect(seen['kserve-binary'].said).toEqual([masked]);
      expect(seen.v1.predictions).toEqual([masked, [1, 2], { b64: Buffer.from(masked).toString('base64') }]);
      expect(seen.stream).toBe(masked);
      expect(seen.grpc).toMatchObject({ said: [masked, 'é'] });
    });

    it('show their users why a call was refused', async () => {
      const seen = await through('alice');
      expect(seen.iris.unload).toContain('(no-rule, session ');
      expect(seen.grpc.unload).toContain('StatusCode.PERMISSION_DENIED');
    });
  });
