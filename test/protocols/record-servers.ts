/**
 * Records exchanges of model servers and tool servers: `node runtime/run.mjs test/protocols/record-servers.ts`, with
 * `SALLYPORT_PYTHON` naming a Python that has mlserver, kserve and tritonclient. What passed between the official
 * clients and the real servers is written to `exchanges/`; the rest are the examples that the documentation prints.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { buffer } from 'node:stream/consumers';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Protocol } from '../../src/protocol/codecs.ts';
import { pythonWith } from '../interop/python/python.ts';
import { freePort, runScript, serve } from '../interop/serving.ts';
import { startMcpServers } from '../support/mcp-servers.ts';
import { type Exchange, type Expected, stored } from './exchange.ts';
import { keepExchange, versionOf } from './recording.ts';

const KEPT = /^(?:mcp-(?:method|name|protocol-version)|x-amzn-sagemaker-[a-z-]+)$/;

interface Passed {
  readonly request: Exchange['request'];
  readonly answer: Exchange['answer'];
}

/** Runs a step against a server and resolves to what passed, the last request first. */
const listen = async (upstream: string, step: (url: string) => Promise<unknown>): Promise<readonly Passed[]> => {
  const passed: Passed[] = [];
  const server = createServer((req, res) => {
    void (async () => {
      const sent = await buffer(req);
      const on = request(`${upstream}${req.url}`, { method: req.method ?? '', headers: req.headers }).end(sent);
      const [answer] = await once(on, 'response');
      res.writeHead(answer.statusCode, answer.headers);
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        res.write(chunk);
      });
      await once(answer, 'end');
      res.end();
      const rawHeaders = Object.entries(req.headers).flatMap(([name, value]) =>
        KEPT.test(name) ? [name, String(value)] : [],
      );
      passed.unshift({
        request: {
          method: req.method ?? '',
          target: req.url ?? '',
          contentType: req.headers['content-type'] ?? '',
          ...(rawHeaders.length === 0 ? {} : { rawHeaders }),
          body: stored(sent),
        },
        answer: {
          status: answer.statusCode,
          contentType: answer.headers['content-type'] ?? '',
          body: stored(Buffer.concat(chunks)),
        },
      });
    })().catch(() => res.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  await step(`http://127.0.0.1:${address.port}`);
  server.close();
  server.closeAllConnections();
  return passed;
};

const expected = (operation: string, model: string, texts: readonly string[], stream = false): Expected => ({
  operation,
  model,
  stream,
  texts,
});

const keep = (
  protocol: Protocol,
  name: string,
  witness: string,
  expect: Expected,
  passed: Passed | undefined,
): void => {
  if (passed === undefined) throw new Error(`${protocol}/${name} sent nothing`);
  keepExchange({ protocol, name, witness, request: passed.request, answer: passed.answer, expect });
};

const recordMcp = async (): Promise<void> => {
  const servers = await startMcpServers();
  const newest = `${versionOf('@modelcontextprotocol/client')}, answered by ${versionOf('@modelcontextprotocol/server')}`;
  const older = `${versionOf('@modelcontextprotocol/sdk')}, client and server`;
  const said = { text: 'mail anna@example.com' };
  const asNew = async (step: (client: NewClient) => Promise<unknown>) =>
    listen(servers.url, async (url) => {
      const client = new NewClient(
        { name: 'c', version: '1' },
        { versionNegotiation: { mode: { pin: '2026-07-28' } } },
      );
      await client.connect(new NewTransport(new URL(`${url}/new/mcp`)));
      await step(client);
      await client.close();
    });
  const asOld = async (step: (client: OldClient) => Promise<unknown>) =>
    listen(servers.url, async (url) => {
      const client = new OldClient({ name: 'c', version: '1' });
      await client.connect(new OldTransport(new URL(`${url}/old/mcp`)));
      await step(client);
      await client.close();
    });
  const posted = (passed: readonly Passed[], method: string): Passed | undefined =>
    passed.find(({ request: { body } }) => typeof body === 'string' && body.includes(`"${method}"`));
  const [called, listed] = [
    await asNew((c) => c.callTool({ name: 'echo', arguments: said })),
    await asNew((c) => c.listTools()),
  ];
  keep(
    'mcp',
    'tools-call',
    newest,
    expected('tools/call', '', ['result.content.0.text']),
    posted(called, 'tools/call'),
  );
  keep('mcp', 'tools-list', newest, expected('tools/list', '', []), posted(listed, 'tools/list'));
  const told = await asOld((c) => c.callTool({ name: 'slow', arguments: {} }, undefined, { onprogress: () => {} }));
  keep(
    'mcp',
    'sessions-progress',
    older,
    expected('tools/call', '', ['result.content.0.text', 'params.message']),
    posted(told, 'tools/call'),
  );
  keep('mcp', 'sessions-initialize', older, expected('initialize', '', []), posted(told, 'initialize'));
  await servers.close();
};

const recordPython = async (): Promise<void> => {
  const python = pythonWith([], ['mlserver', 'mlserver_sklearn', 'tritonclient.http', 'kserve']);
  if (python.kind === 'none') return console.log(`not run: ${python.why}`);
  const { command } = python;
  const here = join(import.meta.dirname, '../interop/python');
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-record-'));
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()].map(String);
  const [http = '', grpc = '', metrics = '', other = ''] = ports;
  await runScript(command, [join(here, 'mlserver/make_models.py'), folder, http, grpc, metrics]);
  const mlserver = `http://127.0.0.1:${http}`;
  const kserve = `http://127.0.0.1:${other}`;
  const start = ['-m', 'mlserver.cli.main', 'start', folder];
  const running = [
    await serve(command, start, { cwd: folder, url: `${mlserver}/v2/models/iris/ready` }),
    await serve(command, [join(here, 'kserve_server.py'), other], {
      cwd: folder,
      url: `${kserve}/v2/models/echo/ready`,
    }),
  ];
  const calls = (one: string, two: string): Promise<unknown> =>
    runScript(command, [join(here, 'kserve_calls.py'), one, two, two, 'token']);
  const ml = await listen(mlserver, (url) => calls(url, kserve));
  const ks = await listen(kserve, (url) => calls(mlserver, url));
  const at = (passed: readonly Passed[], path: string): Passed | undefined =>
    passed.find(({ request: { target, contentType } }) => target === path && !contentType.includes('octet'));
  const triton = 'tritonclient 2.73.0, answered by MLServer 1.7.1';
  keep(
    'kserve',
    'infer-text',
    triton,
    expected('infer', 'echo', ['outputs.0.data.0']),
    at(ml, '/v2/models/echo/infer'),
  );
  keep('kserve', 'infer-iris', triton, expected('infer', 'iris', []), at(ml, '/v2/models/iris/infer'));
  keep('kserve', 'index', triton, expected('repository.index', '', []), at(ml, '/v2/repository/index'));
  const streamed = expected('infer_stream', 'echo', ['outputs.0.data.0'], true);
  keep('kserve', 'infer-stream', 'httpx, answered by MLServer 1.7.1', streamed, at(ml, '/v2/models/echo/infer_stream'));
  const own = 'kserve 0.16.0, client and server';
  keep('kserve', 'infer-kserve', own, expected('infer', 'echo', ['outputs.0.data.0']), at(ks, '/v2/models/echo/infer'));
  keep(
    'tfserving',
    'predict-v1',
    own,
    expected('predict', 'echo', ['predictions.0']),
    at(ks, '/v1/models/echo:predict'),
  );
  for (const server of running) await server.stop();
  rmSync(folder, { recursive: true, force: true });
};

/** Examples as the documentation prints them. */
const recordExamples = (): void => {
  const example = (
    protocol: Protocol,
    name: string,
    witness: string,
    expect: Expected,
    target: string,
    sent: string,
    answered: string,
    types: readonly [string, string] = ['application/json', 'application/json'],
  ): void =>
    keepExchange({
      protocol,
      name,
      witness,
      request: { method: 'POST', target, contentType: types[0], body: sent },
      answer: { status: 200, contentType: types[1], body: answered },
      expect,
    });
  const triton = 'triton-inference-server/server, docs/protocol/extension_generate.md';
  const sent = '{"text_input": "client input", "parameters": {"stream": false, "temperature": 0}}';
  const answered = '{\n  "model_name" : "mymodel",\n  "model_version" : "1",\n  "text_output" : "model output"\n}\n';
  const path = '/v2/models/mymodel/generate';
  const form = 'application/x-www-form-urlencoded';
  example('kserve', 'generate', triton, expected('generate', 'mymodel', ['text_output']), path, sent, answered, [
    form,
    'application/json',
  ]);
  const events = ['model', ' output'].map(
    (text) => `data: ${JSON.stringify({ model_name: 'mymodel', model_version: '1', text_output: text })}\n\n`,
  );
  const stream = expected('generate_stream', 'mymodel', ['text_output'], true);
  example('kserve', 'generate-stream', triton, stream, `${path}_stream`, sent, events.join(''), [
    form,
    'text/event-stream; charset=utf-8',
  ]);
  const tf = 'tensorflow/serving, tensorflow_serving/g3doc/api_rest.md';
  const half = (verb: string): string => `/v1/models/half_plus_three:${verb}`;
  example(
    'tfserving',
    'predict',
    tf,
    expected('predict', 'half_plus_three', []),
    half('predict'),
    '{"instances": [1.0,2.0,5.0]}',
    '{\n    "predictions": [3.5, 4.0, 5.5]\n}',
    [form, 'application/json'],
  );
  const regress = '{"signature_name": "tensorflow/serving/regress", "examples": [{"x": 1.0}, {"x": 2.0}]}';
  example(
    'tfserving',
    'regress',
    tf,
    expected('regress', 'half_plus_three', []),
    half('regress'),
    regress,
    '{\n    "results": [3.5, 4.0]\n}',
    [form, 'application/json'],
  );
  const pytorch = 'pytorch/serve, kubernetes/kserve/kf_request_json/text_classifier.json and docs/inference_api.md';
  const classify = '{\n  "instances": [\n    {\n      "data": "Bloomberg has reported on the economy"\n    }\n  ]\n}\n';
  const classes = '{\n  "predictions": [\n    2\n  ]\n}\n';
  example(
    'torchserve',
    'kserve-predict',
    pytorch,
    expected('predict', 'my_tc', []),
    '/v1/models/my_tc:predict',
    classify,
    classes,
  );
};

/** The official client of SageMaker, against what its API reference says an endpoint answers. */
const recordSagemaker = async (): Promise<void> => {
  const endpoint = createServer((req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json', 'x-amzn-invoked-production-variant': 'main' });
      res.end('{"generated_text":"mail anna@example.com"}');
    });
  });
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const address = endpoint.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP address');
  const passed = await listen(`http://127.0.0.1:${address.port}`, async (url) => {
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
    const client = new SageMakerRuntimeClient({ endpoint: url, region: 'us-east-1', credentials });
    const asked = { EndpointName: 'llm', ContentType: 'application/json', TargetModel: 'a.tar.gz' };
    await client.send(new InvokeEndpointCommand({ ...asked, Body: '{"inputs":"who is anna@example.com?"}' }));
  });
  const witness = `${versionOf('@aws-sdk/client-sagemaker-runtime')}, answered as its API reference says`;
  keep('sagemaker', 'invoke', witness, expected('invoke', 'llm/a.tar.gz', ['generated_text']), passed[0]);
  endpoint.close();
};

await recordMcp();
await recordSagemaker();
await recordPython();
recordExamples();
process.exit(0);
