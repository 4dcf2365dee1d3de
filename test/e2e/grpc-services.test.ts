import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, service as HEALTH } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordOf, stringAt } from '../kit/json.ts';
import { loadProto } from '../kit/proto.ts';
import { reflectionRequest, REFLECTION_PATHS } from '../../src/protocol/grpc/reflection.ts';
import { type DeskClient, deskClient, type DeskServer, startDesk } from '../support/grpc-desk.ts';
import {
  bytesTensor,
  elementsOf,
  INFERENCE,
  type InferenceServer,
  SIGNATURE,
  startInference,
} from '../support/grpc-inference.ts';
import { type Places, startWorld, type World } from '../support/world.ts';

const config = (desk: number, inference: number, { issuer }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity:
  issuers: [{ issuer: ${issuer}, audience: sallyport }]
services:
  - name: desk
    protocol: grpc
    upstream: { url: http://127.0.0.1:${desk} }
    grpc: { descriptors: reflection }
  - name: mute
    protocol: grpc
    upstream: { url: http://127.0.0.1:${inference} }
    grpc: { descriptors: reflection }
  - name: triton
    protocol: kserve
    upstream: { url: http://127.0.0.1:1 }
    grpc: { url: http://127.0.0.1:${inference} }
  - name: open
    protocol: kserve
    opaque: allow
    upstream: { url: http://127.0.0.1:1 }
    grpc: { url: http://127.0.0.1:${inference} }
policies:
  - name: ml-may
    when: '"ml" in caller.groups'
    then: allow
  - name: leads-manage
    when: '"ml-leads" in caller.groups && call.operation == "repository.load" && call.model == "small"'
    then: allow
  - name: no-reflection-for-others
    when: 'call.operation == "reflection" && !("ml-leads" in caller.groups)'
    then: deny
  - name: no-secret-model
    when: 'call.model == "secret" || call.texts.exists(t, t.text.contains("LOUD")) || call.tensors.exists(t, t.datatype == "INT64")'
    then: deny
masking:
  - name: pii
    when: '!("privacy-cleared" in caller.groups)'
    direction: both
    entities: [email, credit_card, secret]
`;

let desk: DeskServer;
let inference: InferenceServer;
let world: World;
let gateway: Client;
let direct: Client;
let toDesk: DeskClient;
const health = new HealthImplementation({ '': 'SERVING', 'desk.v1.Desk': 'NOT_SERVING' });
beforeAll(async () => {
  desk = await startDesk({
    more(server) {
      health.addToServer(server);
      new ReflectionService(loadProto('desk')).addToServer(server);
    },
  });
  inference = await startInference();
  world = await startWorld((places) => config(desk.port, inference.port, places));
  gateway = new Client(new URL(world.url).host, credentials.createInsecure());
  direct = new Client(`127.0.0.1:${desk.port}`, credentials.createInsecure());
  toDesk = deskClient(new URL(world.url).host);
});
afterAll(async () => {
  gateway.close();
  direct.close();
  toDesk.close();
  await world.close();
  await desk.close();
  inference.close();
});

async function as(who: string, service: string): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await world.idp.token(who)}`);
  metadata.set('sallyport-service', service);
  return metadata;
}

/** Messages that stand in bytes already. */
const RAW = {
  write: (value: object) => (Buffer.isBuffer(value) ? value : Buffer.alloc(0)),
  read: (bytes: Buffer) => bytes,
};

interface Ended {
  readonly messages: readonly unknown[];
  readonly code: number;
  readonly details: string;
}

/** Makes any call as a conversation, which every kind of call is on the wire. */
function converse(
  client: Client,
  path: string,
  { write, read }: { readonly write: (value: object) => Buffer; readonly read: (bytes: Buffer) => unknown },
  messages: readonly object[],
  metadata: Metadata,
): Promise<Ended> {
  const call = client.makeBidiStreamRequest<object, unknown>(path, write, read, metadata);
  const got: unknown[] = [];
  call.on('data', (message: unknown) => got.push(message)).on('error', () => {});
  for (const message of messages) call.write(message);
  call.end();
  return new Promise((resolve) => call.on('status', ({ code, details }) => resolve({ messages: got, code, details })));
}

const infer = async (who: string, method: string, messages: readonly object[], service = 'triton'): Promise<Ended> => {
  const definition = INFERENCE[method]!;
  const codec = { write: definition.requestSerialize, read: definition.responseDeserialize };
  return converse(gateway, definition.path, codec, messages, await as(who, service));
};

const ask = (...texts: readonly string[]): object => ({
  model_name: 'chat',
  id: '1',
  inputs: [{ name: 'text_input', datatype: 'BYTES', shape: [String(texts.length)] }],
  raw_input_contents: [bytesTensor(...texts)],
});

/** Returns the texts of an answer of the inference server. */
const textsIn = (message: unknown): readonly string[] => {
  const { raw_output_contents: contents } = recordOf(message);
  const tensor: unknown = Array.isArray(contents) ? contents[1] : null;
  return Buffer.isBuffer(tensor) ? elementsOf(tensor) : [];
};

describe('a server that describes itself', () => {
  it('is asked for its descriptors when a call needs them, and then inspected by them', async () => {
    const got = await toDesk.call('Ask', [{ text: 'to anna@example.com' }], { metadata: await as('alice', 'desk') });
    expect(got).toMatchObject({ code: 0, letters: [{ text: 're: to <EMAIL>' }] });
    const denied = await toDesk.call('Talk', [{ text: 'a' }, { text: 'LOUD' }], {
      metadata: await as('carol', 'desk'),
    });
    expect(denied.code).toBe(status.PERMISSION_DENIED);
  });

  it('is UNAVAILABLE when it does not', async () => {
    const got = await toDesk.call('Ask', [{ text: 'x' }], { metadata: await as('carol', 'mute') });
    expect(got.code).toBe(status.UNAVAILABLE);
  });
});

describe('health and reflection', () => {
  const check = HEALTH['Check']!;
  const watch = HEALTH['Watch']!;

  it('relays health checks', async () => {
    const codec = { write: check.requestSerialize, read: check.responseDeserialize };
    for (const service of ['', 'desk.v1.Desk', 'nobody']) {
      const got = await converse(gateway, check.path, codec, [{ service }], await as('carol', 'desk'));
      const expected = await converse(direct, check.path, codec, [{ service }], new Metadata());
      expect(got).toEqual(expected);
    }
  });

  it('relays a watch as it changes', async () => {
    const call = gateway.makeServerStreamRequest<object, object>(
      watch.path,
      watch.requestSerialize,
      (bytes) => watch.responseDeserialize(bytes),
      { service: 'desk.v1.Desk' },
      await as('carol', 'desk'),
    );
    const seen: string[] = [];
    call.on('data', (state: unknown) => seen.push(stringAt(state, 'status'))).on('error', () => {});
    await expect.poll(() => seen).toEqual(['NOT_SERVING']);
    health.setStatus('desk.v1.Desk', 'SERVING');
    await expect.poll(() => seen).toEqual(['NOT_SERVING', 'SERVING']);
    call.cancel();
  });

  it.each(REFLECTION_PATHS)('relays reflection, for whom policy lets see it: %s', async (path) => {
    const questions = [
      reflectionRequest({ about: 'services', name: '' }),
      reflectionRequest({ about: 'symbol', name: 'desk.v1.Desk' }),
      reflectionRequest({ about: 'symbol', name: 'no.such.Symbol' }),
    ];
    const codec = RAW;
    const expected = await converse(direct, path, codec, questions, new Metadata());
    expect(expected.messages).toHaveLength(3);
    expect(await converse(gateway, path, codec, questions, await as('bob', 'desk'))).toEqual(expected);
    const denied = await converse(gateway, path, codec, questions, await as('carol', 'desk'));
    expect(denied).toMatchObject({ code: status.PERMISSION_DENIED, messages: [] });
  });
});

const REGION = {
  model_name: 'chat',
  inputs: [{ name: 'x', datatype: 'BYTES', shape: ['1'], parameters: { shared_memory_region: { string_param: 'r' } } }],
};

describe('KServe v2 over gRPC', () => {
  it('passes what nothing masks as it is', async () => {
    const { code, messages } = await infer('carol', 'ModelInfer', [ask('hello anna@example.com', 'x')]);
    expect(code).toBe(0);
    expect(textsIn(messages[0])).toEqual(['hello anna@example.com', 'x', SIGNATURE]);
  });

  it('masks BYTES tensors on the way there and back, lengths set right', async () => {
    const { code, messages } = await infer('alice', 'ModelInfer', [ask('hello anna@example.com', 'x')]);
    expect(code).toBe(0);
    expect(elementsOf(inference.requests.at(-1)!.raw_input_contents![0]!)).toEqual(['hello <EMAIL>', 'x']);
    expect(textsIn(messages[0])).toEqual(['hello <EMAIL>', 'x', 'Yours, <EMAIL>']);
    expect(messages[0]).toMatchObject({ raw_output_contents: [Buffer.from([0, 0, 128, 63]), {}] });
  });

  it('masks the text of a stream of answers, request by request, and errors beside a status of OK', async () => {
    const pieces = ['write to anna@exam', 'ple.com, ', 'fail', 'or '];
    const { code, messages } = await infer('alice', 'ModelStreamInfer', [ask(...pieces), ask('b')]);
    expect(code).toBe(0);
    const texts = messages.map((message) => {
      const { infer_response: answer, error_message: error } = recordOf(message);
      return answer === undefined || answer === null ? error : textsIn(answer).join('');
    });
    // nothing is masked on the way there: each element of the tensor is a text of its own
    expect(texts.filter((text) => text !== 'no Yours, <EMAIL>').join('')).toBe(
      'write to <EMAIL>, or Yours, <EMAIL>bYours, <EMAIL>',
    );
    expect(texts).toContain('no Yours, <EMAIL>');
  });

  it('decides on models, texts and tensors, and ends a stream at the message that is denied', async () => {
    expect((await infer('carol', 'ModelInfer', [{ ...ask('x'), model_name: 'secret' }])).code).toBe(
      status.PERMISSION_DENIED,
    );
    const tensor = {
      model_name: 'chat',
      inputs: [{ name: 'n', datatype: 'INT64', shape: ['1'], contents: { int64_contents: ['1'] } }],
    };
    expect((await infer('carol', 'ModelInfer', [tensor])).code).toBe(status.PERMISSION_DENIED);
    const before = inference.requests.length;
    const stream = await infer('carol', 'ModelStreamInfer', [ask('fine'), ask('LOUD')]);
    expect(stream.code).toBe(status.PERMISSION_DENIED);
    expect(inference.requests.slice(before).some((request) => JSON.stringify(request).includes('LOUD'))).toBe(false);
  });

  it('refuses tensors in shared memory, which nobody can look into', async () => {
    const region = { shared_memory_region: { string_param: 'r' } };
    const hidden = { model_name: 'chat', inputs: [{ name: 'x', datatype: 'BYTES', shape: ['1'], parameters: region }] };
    expect((await infer('carol', 'ModelInfer', [hidden])).code).toBe(status.INVALID_ARGUMENT);
    const written = { ...ask('x'), outputs: [{ name: 'text_output', parameters: region }] };
    expect((await infer('carol', 'ModelInfer', [written])).code).toBe(status.INVALID_ARGUMENT);
  });

  it.each([
    ['behind a message that nobody can look into', [REGION, ask('to anna@example.com')]],
    ['in a message of which nobody can look into a part', [{ ...ask('to anna@example.com'), outputs: REGION.inputs }]],
  ])('masks what can be read %s, where such messages may pass', async (_, messages) => {
    const before = inference.requests.length;
    await infer('alice', 'ModelStreamInfer', messages, 'open');
    const texts = inference.requests
      .slice(before)
      .flatMap(({ raw_input_contents: contents }) => contents ?? [])
      .flatMap((tensor) => elementsOf(tensor));
    expect(texts).toEqual(['to <EMAIL>']);
  });

  it('lets nobody manage the server but whom a rule lets', async () => {
    expect((await infer('carol', 'ServerLive', [{}])).code).toBe(0);
    expect((await infer('carol', 'RepositoryModelLoad', [{ model_name: 'small' }])).code).toBe(
      status.PERMISSION_DENIED,
    );
    expect((await infer('bob', 'RepositoryModelLoad', [{ model_name: 'large' }])).code).toBe(status.PERMISSION_DENIED);
    expect(inference.loaded).toEqual([]);
    expect((await infer('bob', 'RepositoryModelLoad', [{ model_name: 'small' }])).code).toBe(0);
    expect(inference.loaded).toEqual(['small']);
  });

  it('takes one message where the method takes one, and none that is no message', async () => {
    expect((await infer('carol', 'ModelInfer', [])).code).toBe(status.INVALID_ARGUMENT);
    expect((await infer('carol', 'ModelInfer', [ask('a'), ask('b')])).code).toBe(status.INVALID_ARGUMENT);
    const codec = RAW;
    const got = await converse(
      gateway,
      INFERENCE['ModelInfer']!.path,
      codec,
      [Buffer.from([0x12, 99])],
      await as('carol', 'triton'),
    );
    expect(got.code).toBe(status.INVALID_ARGUMENT);
  });
});

describe('afterwards', () => {
  it('no call is left behind, denied ones included, whose messages were not all read', async () => {
    const active = async (): Promise<string> =>
      /^sallyport_active_calls(?:\{.*\})? (\d+)$/m.exec(await (await fetch(`${world.control}/metrics`)).text())?.[1] ??
      'no metric';
    await expect.poll(active).toBe('0');
  });
});
