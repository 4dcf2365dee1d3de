/** Outside classifiers and the messages of WebSockets and gRPC, both ways. */

import { once } from 'node:events';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { recordOf } from '../kit/json.ts';
import {
  bytesTensor,
  elementsOf,
  INFERENCE,
  type InferenceServer,
  SIGNATURE,
  startInference,
} from '../support/grpc-inference.ts';
import { type RealtimeConnection, type RealtimeServer, startRealtimeServer } from '../support/realtime-server.ts';
import { classified, questionOf, type ScriptedClassifier, startClassifier } from '../support/scripted-classifier.ts';
import { type Places, startWorld, type World } from '../support/world.ts';

let guard: ScriptedClassifier;
let voice: RealtimeServer;
let inference: InferenceServer;
let world: World;
let gateway: Client;

// a service for each classifier: one that answers, and two that nobody can reach
const services = ['', '-shut', '-open'];
const config = ({ issuer }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
workers: 1
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
${services
  .map(
    (which) => `  - { name: voice${which}, protocol: openai, websocket: allow, upstream: { url: ${voice.url} } }
  - { name: triton${which}, protocol: kserve, upstream: { url: http://127.0.0.1:1 }, grpc: { url: http://127.0.0.1:${inference.port} } }
`,
  )
  .join('')}
classifiers:
  - name: guard
    kind: webhook
    services: [voice, triton]
    url: ${guard.url}/classify
    on_error: deny
    timeout: 60s
    window: { characters: 256, time: 60s, context: 64, overlap: 0 }
  - { name: shut, kind: webhook, services: [voice-shut, triton-shut], url: "http://127.0.0.1:1", on_error: deny }
  - { name: open, kind: webhook, services: [voice-open, triton-open], url: "http://127.0.0.1:1", on_error: allow }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
  - { name: careful, when: 'call.classified.guard.flagged && "careful" in caller.groups', then: deny, message: Not that. }
  - { name: shut-in, when: 'call.classified.shut.flagged', then: deny }
  - { name: open-in, when: 'call.classified.open.flagged', then: deny }
  - { name: passed-unseen, when: 'call.classified.open.outcome == "passed"', then: deny }
  - { name: no-violence-out, on: answer, when: '"violence" in answer.classified.guard.labels', then: deny }
  - { name: open-out, on: answer, when: 'answer.classified.open.flagged || answer.classified.open.outcome == "passed"', then: deny }
masking:
  - { name: people-in, direction: request, entities: [guard.person], when: '"careful" in caller.groups' }
  - { name: people-out, direction: response, entities: [guard.person] }
  - { name: mail-out, direction: response, entities: [email] }
`;

beforeAll(async () => {
  [guard, voice, inference] = await Promise.all([startClassifier(), startRealtimeServer(), startInference()]);
  world = await startWorld(config);
  gateway = new Client(new URL(world.url).host, credentials.createInsecure());
});
afterAll(async () => {
  gateway.close();
  await world.close();
  inference.close();
  await Promise.all([guard.close(), voice.close()]);
});

const careful = ['ml', 'careful'];
const token = (groups: readonly string[]): Promise<string> => world.idp.token('carol', { groups: [...groups] });

/** Resolves to the record of a session once it has its end, which is behind what a caller sees. */
const shown = async (session: string): Promise<Record<string, unknown>> => {
  for (;;) {
    const { stdout } = await world.cli(['sessions', 'show', session, '--json']);
    const record = recordOf(JSON.parse(stdout));
    if (record['ending'] !== null) return record;
  }
};

/** Says nothing on the next question until it is told to. */
const heldQuestion = () => {
  const [asked, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  guard.server.next(async (request) => {
    asked.resolve();
    await told.promise;
    return classified(questionOf(request), /attack/i, /Anna Schmidt/g);
  });
  return { asked: asked.promise, tell: () => told.resolve() };
};

const said = (phase: 'request' | 'answer'): readonly string[] =>
  guard.questions.filter((question) => question.phase === phase).flatMap(({ texts }) => texts.map(({ text }) => text));

describe('a WebSocket', () => {
  interface Talk {
    readonly socket: WebSocket;
    readonly upstream: RealtimeConnection;
    readonly session: string;
    /** Events that came, in order. */
    readonly events: Record<string, unknown>[];
    readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
    /** Resolves when an event has this text in it. */
    has(text: string): Promise<void>;
  }

  const open = async (groups: readonly string[] = careful, service = 'voice'): Promise<Talk> => {
    const url = `${world.url.replace('http', 'ws')}/${service}/v1/realtime?model=gpt-realtime`;
    const socket = new WebSocket(url, [], { headers: { authorization: `Bearer ${await token(groups)}` } });
    const events: Record<string, unknown>[] = [];
    const heard = new EventTarget();
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => {
      events.push(recordOf(JSON.parse(data.toString())));
      heard.dispatchEvent(new Event('event'));
    });
    const closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
    const [[response], upstream] = await Promise.all([once(socket, 'upgrade'), voice.next(), once(socket, 'open')]);
    const session = String(response.headers['sallyport-session']);
    const has = async (text: string): Promise<void> => {
      while (!events.some((event) => JSON.stringify(event).includes(text))) await once(heard, 'event');
    };
    return { socket, upstream, session, events, closed, has };
  };

  const ask = (text: string): string =>
    JSON.stringify({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
    });
  const delta = (text: string) => ({
    type: 'response.output_text.delta',
    event_id: 'event_1',
    response_id: 'resp_1',
    item_id: 'item_1',
    output_index: 0,
    content_index: 0,
    delta: text,
  });
  const done = (text: string) => ({ ...delta(''), type: 'response.output_text.done', delta: undefined, text });
  const textOf = ({ events }: Talk): string =>
    events.map(({ delta: text }) => (typeof text === 'string' ? text : '')).join('');

  it('has each message shown before it goes on, names in it masked, and the record says who looked', async () => {
    const talk = await open();
    talk.socket.send(ask('Call Anna Schmidt, jo@example.com.'));
    await talk.upstream.received(1);
    expect(talk.upstream.messages[0]).toContain('Call <PERSON>, jo@example.com.');
    expect(said('request')).toContain('Call Anna Schmidt, <EMAIL>.');
    talk.socket.close();
    await talk.closed;
    await talk.upstream.closed;
    const record = await shown(talk.session);
    expect(record).toMatchObject({
      opening: { facts: { classified: { guard: { outcome: 'skipped' } } } },
      ending: { classifiedLater: { guard: { outcome: 'passed', asked: 1, labels: ['person'] } } },
    });
  });

  it('ends with the protocol’s own error when a message is flagged, which the model never hears of', async () => {
    const talk = await open();
    talk.socket.send(ask('All is well.'));
    talk.socket.send(ask('Plan an attack.'));
    talk.socket.send(ask('Never said.'));
    expect(await talk.closed).toEqual({ code: 1008, reason: 'policy-denied' });
    expect(talk.events.at(-1)).toMatchObject({ type: 'error' });
    expect(JSON.stringify(talk.events.at(-1))).toContain('Not that.');
    await talk.upstream.closed;
    expect(talk.upstream.messages).toEqual([ask('All is well.')]);
    expect(await shown(talk.session)).toMatchObject({
      ending: { reason: 'policy-denied', classifiedLater: { guard: { outcome: 'flagged', labels: ['violence'] } } },
    });
  });

  it('keeps the order of messages while one of them waits, and what was flagged before says nothing of the next', async () => {
    // whom no rule on flagged messages is about
    const talk = await open(['ml']);
    const { asked, tell } = heldQuestion();
    talk.socket.send(ask('First attack.'));
    await asked;
    talk.socket.send(ask('Second.'));
    talk.socket.send(JSON.stringify({ type: 'input_audio_buffer.clear' }));
    expect(talk.upstream.messages).toEqual([]);
    tell();
    await talk.upstream.received(3);
    expect(talk.upstream.messages.map((text) => recordOf(JSON.parse(text))['type'])).toEqual([
      'conversation.item.create',
      'conversation.item.create',
      'input_audio_buffer.clear',
    ]);
    expect(talk.upstream.messages[0]).toContain('First');
    talk.socket.close();
    await talk.closed;
  });

  it('has what the model says held until it was looked at, and names masked that are spread over messages', async () => {
    const talk = await open();
    const { asked, tell } = heldQuestion();
    talk.upstream.say(delta('Ask Anna'), delta(' Schmidt. '), delta('She'), delta(' knows.'));
    await asked;
    talk.upstream.say(done('Ask Anna Schmidt. She knows.'));
    // the answer to this comes behind all that is held
    talk.socket.send(JSON.stringify({ type: 'input_audio_buffer.clear' }));
    await talk.upstream.received(1);
    expect(talk.events).toEqual([]);
    tell();
    await talk.has('output_text.done');
    expect(textOf(talk)).toBe('Ask <PERSON>. She knows.');
    expect(talk.events.at(-1)).toMatchObject({ text: 'Ask <PERSON>. She knows.' });
    talk.socket.close();
    await talk.closed;
    expect(await shown(talk.session)).toMatchObject({ ending: { classified: { guard: { outcome: 'passed' } } } });
  });

  it('breaks off before a flagged sentence of the model', async () => {
    const talk = await open();
    talk.upstream.say(delta('All is well. '));
    talk.upstream.say(delta('And '));
    await talk.has('All is well.');
    talk.upstream.say(delta('att'), delta('ack at dawn. '), delta('Good night.'));
    expect(await talk.closed).toEqual({ code: 1008, reason: 'policy-denied' });
    expect(textOf(talk)).toBe('All is well. ');
    expect(JSON.stringify(talk.events)).not.toContain('dawn');
  });

  it('holds the model server while much of what it says waits, and loses nothing', async () => {
    const talk = await open(['ml']);
    const { asked, tell } = heldQuestion();
    const sound = { ...delta('A'.repeat(1024 ** 2)), type: 'response.output_audio.delta' };
    talk.upstream.say(delta('Hello. '));
    await asked;
    for (let at = 0; at < 48; at++) talk.upstream.say({ ...sound, event_id: `e${at}` });
    const { socket } = talk.upstream;
    // what the kernel takes is taken; what it does not stays here for as long as nobody reads
    let last = -1;
    await expect
      .poll(
        () => {
          const isStill = socket.bufferedAmount === last;
          last = socket.bufferedAmount;
          return isStill;
        },
        { timeout: 30_000, interval: 200 },
      )
      .toBe(true);
    expect(last).toBeGreaterThan(24 * 1024 ** 2);
    expect(talk.events).toEqual([]);
    tell();
    await talk.has('e47');
    expect(talk.events.map(({ event_id: id }) => id)).toEqual([
      'event_1',
      ...Array.from({ length: 48 }, (_, at) => `e${at}`),
    ]);
    talk.socket.close();
    await talk.closed;
  }, 60_000);

  it('whose classifier cannot be reached ends as on_error says, and is never told as passed', async () => {
    const shut = await open(careful, 'voice-shut');
    shut.socket.send(ask('Hello.'));
    expect(await shut.closed).toEqual({ code: 1008, reason: 'classifier-unavailable' });
    expect(await shown(shut.session)).toMatchObject({
      ending: { reason: 'classifier-unavailable', classifiedLater: { shut: { outcome: 'failed' } } },
    });
    const loose = await open(careful, 'voice-open');
    loose.socket.send(ask('Hello.'));
    await loose.upstream.received(1);
    loose.upstream.say(delta('Hello you.'), done('Hello you.'));
    await loose.has('output_text.done');
    loose.socket.close();
    await loose.closed;
    expect(await shown(loose.session)).toMatchObject({
      ending: { classifiedLater: { open: { outcome: 'failed' } }, classified: { open: { outcome: 'failed' } } },
    });
  });
});

describe('gRPC', () => {
  interface Ended {
    readonly texts: readonly string[];
    readonly code: number;
    readonly details: string;
    readonly session: string;
  }
  interface Talk {
    say(...texts: readonly string[]): void;
    end(): void;
    readonly texts: readonly string[];
    /** Resolves when so many texts have come. */
    has(count: number): Promise<void>;
    readonly ended: Promise<Ended>;
  }

  const textsOf = (answer: unknown): readonly string[] => {
    const { infer_response: streamed, raw_output_contents: own } = recordOf(answer);
    const outputs =
      own ?? (streamed === null || streamed === undefined ? [] : recordOf(streamed)['raw_output_contents']);
    const last: unknown = Array.isArray(outputs) ? outputs.at(-1) : undefined;
    return Buffer.isBuffer(last) ? elementsOf(last) : [];
  };

  const open = async (
    method: 'ModelInfer' | 'ModelStreamInfer',
    groups: readonly string[] = careful,
    service = 'triton',
    client = gateway,
  ): Promise<Talk> => {
    const definition = INFERENCE[method];
    if (definition === undefined) throw new Error('expected a method');
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${await token(groups)}`);
    metadata.set('sallyport-service', service);
    const { path, requestSerialize, responseDeserialize } = definition;
    // every kind of call is a conversation on the wire
    const call = client.makeBidiStreamRequest<object, unknown>(path, requestSerialize, responseDeserialize, metadata);
    const texts: string[] = [];
    const heard = new EventTarget();
    let session = '';
    call.on('metadata', (head: Metadata) => (session = String(head.get('sallyport-session')[0])));
    call.on('data', (answer: unknown) => {
      texts.push(...textsOf(answer));
      heard.dispatchEvent(new Event('text'));
    });
    call.on('error', () => {});
    const ended = new Promise<Ended>((resolve) =>
      call.on(
        'status',
        ({ code, details, metadata: trailers }: { code: number; details: string; metadata: Metadata }) =>
          resolve({ texts, code, details, session: session || String(trailers.get('sallyport-session')[0]) }),
      ),
    );
    return {
      say: (...said) =>
        call.write({
          model_name: 'small',
          inputs: [{ name: 'text_input', datatype: 'BYTES', shape: [String(said.length)] }],
          raw_input_contents: [bytesTensor(...said)],
        }),
      end: () => call.end(),
      texts,
      has: async (count) => {
        while (texts.length < count) await once(heard, 'text');
      },
      ended,
    };
  };

  const infer = async (text: string, groups = careful, service = 'triton', client = gateway): Promise<Ended> => {
    const talk = await open('ModelInfer', groups, service, client);
    talk.say(text);
    talk.end();
    return talk.ended;
  };
  const lastAsked = (): readonly string[] =>
    elementsOf(inference.requests.at(-1)?.raw_input_contents?.[0] ?? Buffer.alloc(0));

  it.each([
    ['plain', 0],
    ['compressed', 2],
  ])('has the texts of a %s request shown and masked, and those of its answer', async (_, algorithm) => {
    const client = new Client(new URL(world.url).host, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': algorithm,
    });
    const masked = await infer('Call Anna Schmidt, jo@example.com.', careful, 'triton', client);
    expect(masked).toMatchObject({ code: status.OK, texts: ['Call <PERSON>, <EMAIL>.', 'Yours, <EMAIL>'] });
    expect(lastAsked()).toEqual(['Call <PERSON>, jo@example.com.']);
    // the model hears the name, and says it
    const open = await infer('Call Anna Schmidt.', ['ml'], 'triton', client);
    expect(open.texts[0]).toBe('Call <PERSON>.');
    expect(lastAsked()).toEqual(['Call Anna Schmidt.']);
    client.close();
    expect(said('request')).toContain('Call Anna Schmidt, <EMAIL>.');
    expect(said('answer')).toContain(SIGNATURE.replace('anna.long@example.com', '<EMAIL>'));
    expect(await shown(masked.session)).toMatchObject({
      opening: { facts: { classified: { guard: { outcome: 'passed', asked: 1 } } } },
      ending: { classified: { guard: { outcome: 'passed' } } },
    });
  });

  it('refuses a request that is flagged, which the model never hears of', async () => {
    const before = inference.requests.length;
    const refused = await infer('Plan an attack.');
    expect(refused).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringContaining('Not that.'),
      texts: [],
    });
    expect(inference.requests.length).toBe(before);
    expect(await shown(refused.session)).toMatchObject({
      opening: { reason: 'policy-denied', facts: { classified: { guard: { outcome: 'flagged' } } } },
    });
  });

  it('refuses an answer that is flagged', async () => {
    const refused = await infer('attack', ['ml']);
    expect(refused).toMatchObject({ code: status.PERMISSION_DENIED, texts: [] });
    expect(lastAsked()).toEqual(['attack']);
    expect(await shown(refused.session)).toMatchObject({
      ending: { reason: 'policy-denied', classified: { guard: { outcome: 'flagged' } } },
    });
  });

  it('ends a stream at the message that is flagged, behind what was answered before', async () => {
    const talk = await open('ModelStreamInfer');
    talk.say('Ask Anna Schmidt.');
    await talk.has(2);
    talk.say('Attack.');
    const ended = await talk.ended;
    expect(ended).toMatchObject({ code: status.PERMISSION_DENIED, details: expect.stringContaining('Not that.') });
    expect(ended.texts).toEqual(['Ask <PERSON>.', 'Yours, <EMAIL>']);
    expect(await shown(ended.session)).toMatchObject({
      opening: { facts: { classified: { guard: { outcome: 'passed', asked: 1 } } } },
      ending: { reason: 'policy-denied', classifiedLater: { guard: { outcome: 'flagged', asked: 1 } } },
    });
  });

  it('keeps the order of a stream while messages wait, in both directions', async () => {
    const talk = await open('ModelStreamInfer', ['ml']);
    const before = inference.requests.length;
    const { asked, tell } = heldQuestion();
    for (const text of ['One.', 'Two.', 'Three, Anna Schmidt.']) talk.say(text);
    await asked;
    expect(inference.requests.length).toBe(before);
    tell();
    await talk.has(6);
    talk.end();
    const signed = 'Yours, <EMAIL>';
    // what detectors are not sure of leaves with what follows
    const { texts } = await talk.ended;
    expect(texts.join('')).toBe(['One.', signed, 'Two.', signed, 'Three, <PERSON>.', signed].join(''));
  });

  it('whose classifier cannot be reached ends as on_error says, and is never told as passed', async () => {
    const shut = await infer('Hello.', careful, 'triton-shut');
    expect(shut).toMatchObject({ code: status.UNAVAILABLE, texts: [] });
    expect(await shown(shut.session)).toMatchObject({
      opening: { reason: 'classifier-unavailable', facts: { classified: { shut: { outcome: 'failed' } } } },
    });
    const loose = await infer('Hello.', careful, 'triton-open');
    expect(loose).toMatchObject({ code: status.OK, texts: ['Hello.', 'Yours, <EMAIL>'] });
    expect(await shown(loose.session)).toMatchObject({
      opening: { facts: { classified: { open: { outcome: 'failed' } } } },
      ending: { classified: { open: { outcome: 'failed' } } },
    });
  });
});
