import { once } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { recordOf } from '../kit/json.ts';
import { loadProto } from '../kit/proto.ts';
import { type DeskClient, deskClient, type DeskServer, type Letter, startDesk } from '../support/grpc-desk.ts';
import { bytesTensor, elementsOf, INFERENCE, type InferenceServer, startInference } from '../support/grpc-inference.ts';
import { type RealtimeConnection, type RealtimeServer, startRealtimeServer } from '../support/realtime-server.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let desk: DeskServer;
let inference: InferenceServer;
let realtime: RealtimeServer;
let toDesk: DeskClient;

beforeAll(async () => {
  desk = await startDesk({ more: (server) => new ReflectionService(loadProto('desk')).addToServer(server) });
  inference = await startInference();
  realtime = await startRealtimeServer();
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - name: desk
    protocol: grpc
    upstream: { url: http://127.0.0.1:${desk.port} }
    grpc: { descriptors: reflection }
  - name: triton
    protocol: kserve
    upstream: { url: http://127.0.0.1:1 }
    grpc: { url: http://127.0.0.1:${inference.port} }
  - name: voice
    protocol: openai
    websocket: allow
    upstream: { url: ${realtime.url} }
policies: [{ name: ml-may, when: '"ml" in caller.groups', then: allow }]
masking:
  - { name: own, direction: request, entities: [email], with: tokenize }
  - { name: answers, when: '"ml-leads" in caller.groups', direction: response, entities: [email] }
`,
  );
  toDesk = deskClient(new URL(world.url).host);
});
afterAll(async () => {
  toDesk.close();
  await world.close();
  await Promise.all([desk.close(), realtime.close()]);
  inference.close();
});

const MINE = 'zoe@example.org';

describe('what a caller said in the place of a token, over gRPC', () => {
  const as = async (who: string, service: string): Promise<Metadata> => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await world.idp.token(who)}`);
    metadata.set('sallyport-service', service);
    return metadata;
  };
  const call = async (method: 'Ask' | 'Talk', ...texts: readonly string[]) => {
    const letters: readonly Letter[] = texts.map((text) => ({ text }));
    const { code, letters: got, head } = await toDesk.call(method, letters, { metadata: await as('alice', 'desk') });
    expect(code).toBe(0);
    const seen = desk.calls.at(-1)?.letters.map(({ text }) => text) ?? [];
    return { got: got.map(({ text }) => text), seen, id: String(head?.get('sallyport-session')[0] ?? '') };
  };

  it('comes back to it, and the server has seen the token alone', async () => {
    const { got, seen, id } = await call('Ask', `I am ${MINE}`);
    expect([seen, got]).toEqual([['I am <EMAIL_1>'], [`re: I am ${MINE}`]]);
    await vi.waitFor(async () => {
      const shown = await world.cli(['sessions', 'export', id, '--format', 'har']);
      const { request, response } = JSON.parse(shown.stdout).log.entries[0];
      const texts = [request.postData, response.content].map(({ text, encoding = 'utf8' }) =>
        Buffer.from(text, encoding).toString(),
      );
      // the request as it came, the answer as the caller saw it
      expect(texts).toEqual([expect.stringContaining(MINE), expect.stringContaining(`re: I am ${MINE}`)]);
    }, 20_000);
  });

  it('comes back in every message of a conversation, each value in the place of its own token', async () => {
    const { got, seen } = await call('Talk', `I am ${MINE}`, 'you are yan@example.org', `not ${MINE}`);
    expect(seen).toEqual(['I am <EMAIL_1>', 'you are <EMAIL_2>', 'not <EMAIL_1>']);
    expect(got).toEqual([`re: I am ${MINE}`, 're: you are yan@example.org', `re: not ${MINE}`]);
  });

  it('comes back in no other call, and a token that somebody typed is nobody’s', async () => {
    expect((await call('Ask', 'who is <EMAIL_1>?')).got).toEqual(['re: who is <EMAIL_1>?']);
    const { got, seen } = await call('Ask', `<EMAIL_1> is not ${MINE}`);
    expect([seen, got]).toEqual([['<EMAIL_1> is not <EMAIL_2>'], [`re: <EMAIL_1> is not ${MINE}`]]);
  });

  it('comes back where a model cuts the token, and what rules hide in answers stays hidden', async () => {
    const definition = INFERENCE['ModelStreamInfer']!;
    const stream = toDesk.client.makeBidiStreamRequest<object, unknown>(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      await as('bob', 'triton'),
    );
    const got: unknown[] = [];
    stream.on('data', (message: unknown) => got.push(message)).on('error', () => {});
    const pieces = [`to ${MINE}`, ' and <EM', 'AIL_', '1> once more, '];
    stream.write({
      model_name: 'chat',
      id: '1',
      inputs: [{ name: 'text_input', datatype: 'BYTES', shape: [String(pieces.length)] }],
      raw_input_contents: [bytesTensor(...pieces)],
    });
    stream.end();
    const [{ code }] = await once(stream, 'status');
    expect(code).toBe(0);
    const [tensor = Buffer.alloc(0)] = inference.requests.at(-1)?.raw_input_contents ?? [];
    expect(elementsOf(tensor)[0]).toBe('to <EMAIL_1>');
    const text = got.map((message) => {
      const { raw_output_contents: contents } = recordOf(recordOf(message)['infer_response']);
      const output: unknown = Array.isArray(contents) ? contents[1] : null;
      return Buffer.isBuffer(output) ? elementsOf(output).join('') : '';
    });
    // the server signs with an address of its own
    expect(text.join('')).toBe(`to ${MINE} and ${MINE} once more, Yours, <EMAIL>`);
  });
});

describe('what a caller said in the place of a token, over a WebSocket', () => {
  const open = async (who: string): Promise<{ caller: WebSocket; upstream: RealtimeConnection; heard: string[] }> => {
    const url = `${world.url.replace('http', 'ws')}/voice/v1/realtime?model=gpt-realtime`;
    const caller = new WebSocket(url, { headers: { authorization: `Bearer ${await world.idp.token(who)}` } });
    const heard: string[] = [];
    caller.on('message', (data: Buffer) => heard.push(data.toString()));
    const [upstream] = await Promise.all([realtime.next(), once(caller, 'open')]);
    return { caller, upstream, heard };
  };
  const said = (text: string): string =>
    JSON.stringify({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
    });
  const event = (type: 'delta' | 'done', text: string) => ({
    type: `response.output_text.${type}`,
    event_id: 'event_1',
    response_id: 'resp_1',
    item_id: 'item_1',
    output_index: 0,
    content_index: 0,
    ...(type === 'delta' ? { delta: text } : { text }),
  });
  /** Resolves to what the caller has heard once the whole text has come: deltas together, and the text. */
  const text = (heard: readonly string[]): Promise<{ deltas: string; whole: string }> =>
    vi.waitFor(() => {
      const events = heard.map((each) => recordOf(JSON.parse(each)));
      const done = events.find(({ type }) => type === 'response.output_text.done');
      expect(done).toBeDefined();
      const deltas = events.map(({ delta }) => (typeof delta === 'string' ? delta : '')).join('');
      return { deltas, whole: String(done?.['text']) };
    }, 20_000);
  const closed = async (caller: WebSocket): Promise<void> => {
    caller.close(1000);
    await once(caller, 'close');
  };

  it('comes back whole and in pieces, however the model cuts the token', async () => {
    const { caller, upstream, heard } = await open('alice');
    caller.send(said(`I am ${MINE}`));
    await upstream.received(1);
    expect(upstream.messages[0]).toContain('I am <EMAIL_1>');
    const pieces = ['Hello <', 'EMA', 'IL_', '1', '>, eve@example.net'];
    upstream.say(...pieces.map((piece) => event('delta', piece)), event('done', pieces.join('')));
    const all = `Hello ${MINE}, eve@example.net`;
    expect(await text(heard)).toEqual({ deltas: all, whole: all });
    await closed(caller);
  });

  it('comes back of a later message too, and what rules hide in answers stays hidden', async () => {
    const { caller, upstream, heard } = await open('bob');
    caller.send(said(`I am ${MINE}`));
    caller.send(said('she is yan@example.org'));
    await upstream.received(2);
    expect(upstream.messages[1]).toContain('she is <EMAIL_2>');
    const pieces = ['<EMAIL_2> and ', '<EMAIL_1> know eve@exam', 'ple.net'];
    upstream.say(...pieces.map((piece) => event('delta', piece)), event('done', pieces.join('')));
    const all = `yan@example.org and ${MINE} know <EMAIL>`;
    expect(await text(heard)).toEqual({ deltas: all, whole: all });
    await closed(caller);
  });

  it('comes back on no other connection', async () => {
    const { caller, upstream, heard } = await open('alice');
    caller.send(said('who was that?'));
    await upstream.received(1);
    upstream.say(event('delta', '<EMAIL_1>'), event('done', '<EMAIL_1>'));
    expect(await text(heard)).toEqual({ deltas: '<EMAIL_1>', whole: '<EMAIL_1>' });
    await closed(caller);
  });
});
