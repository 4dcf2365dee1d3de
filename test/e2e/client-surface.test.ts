/**
 * Every method of the Node clients of OpenAI and Anthropic, direct and through the gateway: the server is asked the same, and
 * the user gets the same. The generated tests of these clients do this with a mock of the specification; they are not in
 * their packages, so the methods are taken from the clients themselves.
 */

import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codecs } from '../../src/protocol/codecs.ts';
import { collect } from '../protocols/scenarios/scenario.ts';
import { startWorld, type World } from '../support/world.ts';

/** What the server was asked, as far as it can be the same twice. */
interface Seen {
  readonly method: string;
  readonly target: string;
  readonly type: string;
  readonly body: string;
  readonly own: readonly string[];
}

/** A client, of which only its resources are looked at. */
type AnyClient = OpenAI | Anthropic;

/** A method of the client: `chat.completions.create`. */
type Method = (client: AnyClient, args: readonly unknown[]) => unknown;

/** Methods that ask nothing themselves, or several things one after another until something has happened. */
const NO_REQUEST = /\.(?:unwrap|verifySignature|parseUnverified)$/;
const COMPOSED =
  /(?:Poll|Stream|\.poll|\.stream|\.upload|\.prepare|\.waitForProcessing|\.runTools|\.toolRunner|\.poller|\.worker|\.thread|\.results|\.forResult)$/;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Returns the methods of a resource and of what is below it, by their names. */
const methodsOf = (resource: object, path: readonly string[] = []): [string, Method][] => {
  const own = path.length === 0 ? [] : Object.getOwnPropertyNames(Object.getPrototypeOf(resource));
  const methods = own
    .filter((name) => name !== 'constructor' && !name.startsWith('_'))
    .map((name): [string, Method] => {
      const all = [...path, name];
      return [
        all.join('.'),
        (client, args) => {
          const around = path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), client);
          const method = isObject(around) ? around[name] : undefined;
          if (typeof method !== 'function') throw new Error(`expected a method at ${all.join('.')}`);
          return method.apply(around, args);
        },
      ];
    });
  const below = Object.entries(resource).filter(([name, value]) => isResource(value) && !name.startsWith('_'));
  return [...methods, ...below.flatMap(([name, value]) => methodsOf(value, [...path, name]))];
};

/** A resource knows its client. */
const isResource = (value: unknown): value is object => isObject(value) && '_client' in value;

/** A client that is tested, with the protocol that it speaks. */
interface Tested {
  readonly protocol: 'openai' | 'anthropic';
  readonly package: string;
  readonly make: (url: string, token: string) => AnyClient;
  readonly atLeast: number;
}

const CLIENTS: readonly Tested[] = [
  {
    protocol: 'openai',
    package: 'openai',
    make: (url, token) => new OpenAI({ baseURL: `${url}/v1`, apiKey: token, adminAPIKey: token, maxRetries: 0 }),
    atLeast: 250,
  },
  {
    protocol: 'anthropic',
    package: '@anthropic-ai/sdk',
    make: (url, token) => new Anthropic({ baseURL: url, apiKey: token, maxRetries: 0 }),
    atLeast: 200,
  },
];

const requestsOf = ({ make }: Tested): [string, Method][] =>
  methodsOf(make('http://127.0.0.1:1', 'none')).filter(([name]) => !NO_REQUEST.test(name) && !COMPOSED.test(name));

/** What every method takes as its parameters: those that it does not know pass as they are. */
const PARAMETERS = {
  model: 'gpt-1',
  input: 'Who is anna?',
  prompt: 'Who is anna?',
  messages: [{ role: 'user', content: 'Who?' }],
  name: 'n',
  query: 'q',
  encoding_format: 'float',
  voice: 'alloy',
  purpose: 'assistants',
  limit: 2,
  max_tokens: 64,
};

/** Returns the names of what a client takes out of its parameters, into paths for the most part. */
const takenOut = (name: string): readonly string[] => {
  const folder = new URL(`../../node_modules/${name}/resources/`, import.meta.url);
  const taken = globSync('**/*.mjs', { cwd: folder }).flatMap((file) =>
    [
      ...readFileSync(new URL(file, folder), 'utf8').matchAll(/const \{ ([\w, ]+?),? (?:\.\.\.\w+ )?\} = params/g),
    ].flatMap(([, names = '']) => names.split(', ')),
  );
  return [...new Set(taken)].filter((one) => !Object.hasOwn(PARAMETERS, one));
};

let model: Server;
let world: World;
let url: string;
let token: string;
let seen: Seen[] = [];

/** Everything a user or a list can have; a list has one page. */
const ANSWER = JSON.stringify({
  id: 'x_1',
  object: 'list',
  status: 'completed',
  model: 'gpt-1',
  has_more: false,
  data: [{ id: 'x_2' }],
  choices: [{ index: 0, message: { role: 'assistant', content: 'Anna is a cook.' }, finish_reason: 'stop' }],
  output: [{ type: 'message', content: [{ type: 'output_text', text: 'Anna', annotations: [] }] }],
  text: 'Anna',
  type: 'message',
  content: [{ type: 'text', text: 'Anna' }],
});
const EVENTS = `event: done\ndata: ${ANSWER}\n\ndata: [DONE]\n\n`;

const startModel = async (): Promise<Server> => {
  const server = createServer((req, res) => {
    void (async () => {
      const body = await buffer(req);
      const type = req.headers['content-type'] ?? '';
      const boundary = /boundary=(\S+)$/.exec(type)?.[1] ?? 'none';
      seen.push({
        method: req.method ?? '',
        target: req.url ?? '',
        type: type.replace(boundary, 'boundary'),
        body: body.toString('latin1').replaceAll(boundary, 'boundary'),
        own: req.rawHeaders.filter((name, i) => i % 2 === 0 && /^(?:openai|anthropic|x-stainless|accept)/i.test(name)),
      });
      const events = req.headers.accept === 'text/event-stream' || body.includes('"stream":true');
      res.writeHead(200, { 'content-type': events ? 'text/event-stream' : 'application/json', 'x-request-id': 'r' });
      res.end(events ? EVENTS : ANSWER);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

beforeAll(async () => {
  model = await startModel();
  const address = model.address();
  url = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  world = await startWorld(
    ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: openai, protocol: openai, upstream: { url: ${url} } }
  - { name: openai-unread, protocol: openai, opaque: allow, upstream: { url: ${url} } }
  - { name: anthropic, protocol: anthropic, upstream: { url: ${url} } }
  - { name: anthropic-unread, protocol: anthropic, opaque: allow, upstream: { url: ${url} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }
`,
  );
  token = await world.idp.token('carol');
});
afterAll(async () => {
  await world.close();
  model.close();
});

const parameters = async (taken: readonly string[]): Promise<object> => ({
  ...PARAMETERS,
  ...Object.fromEntries(taken.map((name) => [name, `${name}_1`])),
  file: await toFile(Buffer.from('{"a":1}\n'), 'a.txt', { type: 'text/plain' }),
});

/** What a user saw of a call: what it resolved to, or how it failed. */
const outcome = async (method: Method, client: AnyClient, args: readonly unknown[]): Promise<unknown> => {
  try {
    const result: unknown = await method(client, args);
    if (result instanceof Response) return { status: result.status, text: await result.text() };
    if (isStream(result)) return { stream: await collect(result, plainOf) };
    return plainOf(result ?? null);
  } catch (error) {
    if (error instanceof OpenAI.APIError || error instanceof Anthropic.APIError)
      return { name: error.constructor.name, status: error.status };
    return { thrown: String(error) };
  }
};

const plainOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const isStream = (value: unknown): value is AsyncIterable<unknown> => isObject(value) && Symbol.asyncIterator in value;

interface Called {
  readonly result: unknown;
  readonly asked: readonly Seen[];
}

const call = async (method: Method, client: AnyClient, args: readonly unknown[]): Promise<Called> => {
  seen = [];
  const result = await outcome(method, client, args);
  return { result, asked: seen };
};

/** The shapes that calls have: an id in front or not, parameters or not. The client takes one, or throws. */
const shapes = (all: object): readonly (readonly unknown[])[] => [[all], ['id_1', all], [], ['id_1', 'id_2', all]];

interface Sound {
  readonly args: readonly unknown[];
  readonly plain: Called;
}

const firstSound = async (method: Method, direct: AnyClient, all: object): Promise<Sound> => {
  const tried: unknown[] = [];
  for (const args of shapes(all)) {
    const plain = await call(method, direct, args);
    const isForm = plain.asked.some(({ type }) => type.startsWith('multipart/'));
    if (plain.asked.length > 0 && !isThrown(plain.result))
      return isForm ? asForm(method, direct, args) : { args, plain };
    tried.push(plain.result);
  }
  throw new Error(`expected a call that makes a request: ${JSON.stringify(tried)}`);
};

/** No form of the API has lists of objects; some have lists of words, and objects. */
const asForm = async (method: Method, direct: AnyClient, args: readonly unknown[]): Promise<Sound> => {
  const own = { messages: undefined, timestamp_granularities: ['word'], expires_after: { anchor: 'a', seconds: 9 } };
  const fields = args.map((argument) => (isObject(argument) ? { ...argument, ...own } : argument));
  return { args: fields, plain: await call(method, direct, fields) };
};

const isThrown = (result: unknown): boolean => isObject(result) && 'thrown' in result;

describe.each(CLIENTS)('the methods of the official client $package', (tested) => {
  const { protocol, make } = tested;
  const methods = requestsOf(tested);
  const taken = takenOut(tested.package);
  const isCarried = ({ method, target }: Seen): boolean =>
    codecs[protocol].operation(method, target.split('?')[0] ?? '') !== null;

  it('are all there', () => {
    expect(methods.length).toBeGreaterThan(tested.atLeast);
  });

  it.each(methods)(
    '%s: the same is asked and answered, or it is refused as one that is not carried',
    async (_, method) => {
      const { args, plain } = await firstSound(method, make(url, token), await parameters(taken));
      expect(await call(method, make(`${world.url}/${protocol}-unread`, token), args)).toEqual(plain);
      const read = await call(method, make(`${world.url}/${protocol}`, token), args);
      if (plain.asked.every(isCarried)) expect(read).toEqual(plain);
      else expect(read).toMatchObject({ result: { name: 'NotFoundError', status: 404 }, asked: [] });
    },
  );
});
