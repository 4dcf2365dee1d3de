import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/model-server.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld(
    ({ issuer, model }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: plain, protocol: http, upstream: { url: ${model} } }
  - { name: told, protocol: http, upstream: { url: ${model} }, texts: [/prompt, $..text], fragments: [$.out.text] }
  - { name: tf, protocol: tfserving, upstream: { url: ${model} } }
policies:
  - { name: ml-may, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', direction: both, entities: [email] }
`,
  );
});
afterAll(() => world.close());

const answer = (contentType: string, ...sends: readonly string[]): Answer => ({
  status: 200,
  headers: ['Content-Type', contentType],
  steps: sends.map((send) => ({ send })),
});

const post = async (who: string, path: string, contentType: string, body: string) => {
  const got = await fetch(`${world.url}/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': contentType },
    body,
  });
  return { status: got.status, text: await got.text(), seen: world.model.requests.at(-1)?.body.toString() };
};

describe('a service of its own protocol', () => {
  it('has plain text masked both ways, and JSON under that name', async () => {
    world.model.next(answer('text/plain', 'mail anna@', 'example.com'));
    const got = await post('alice', 'plain/ask', 'text/plain', 'who is bob@example.com?');
    expect(got).toMatchObject({ text: 'mail <EMAIL>', seen: 'who is <EMAIL>?' });
    world.model.next(answer('text/plain', 'ok'));
    const json = await post('alice', 'plain/ask', 'text/plain', '{"q":"bob\\u0040example.com"}');
    expect(json.seen).toBe('{"q":"<EMAIL>"}');
  });

  it('has JSON lines masked, and what does not change stays as it came', async () => {
    const lines = '{"q": "bob@example.com"}\n\n{"q": 1.0}\n';
    world.model.next(answer('application/json', '{}'));
    const got = await post('alice', 'plain/ask', 'application/x-ndjson', lines);
    expect(got.seen).toBe(lines.replace('bob@example.com', '<EMAIL>'));
  });

  it('has its streams refused when nobody says how they go on', async () => {
    world.model.next(answer('text/event-stream', 'data: {"a":"b"}\n\n'));
    const got = await post('alice', 'plain/ask', 'application/json', '{}');
    expect([got.status, JSON.parse(got.text).reason]).toEqual([502, 'answer-unreadable']);
    world.model.next(answer('text/event-stream', 'data: {"a":"b"}\n\n'));
    expect((await post('carol', 'plain/ask', 'application/json', '{}')).text).toBe('data: {"a":"b"}\n\n');
  });

  it('has them masked where it says so, and only what it selects', async () => {
    const parts = ['mail an', 'na@exam', 'ple.com!'].map(
      (text) => `data: ${JSON.stringify({ out: { text }, by: 'bob@example.com' })}\n\n`,
    );
    world.model.next(answer('text/event-stream', ...parts));
    const got = await post(
      'alice',
      'told/ask',
      'application/json',
      '{"prompt":"bob@example.com","id":"bob@example.com"}',
    );
    expect(got.seen).toBe('{"prompt":"<EMAIL>","id":"bob@example.com"}');
    const events = got.text
      .trim()
      .split('\n\n')
      .map((frame): { out: { text: string }; by?: string } => JSON.parse(frame.slice(6)));
    expect(events.map(({ out }) => out.text).join('')).toBe('mail <EMAIL>!');
    expect(events.map(({ by }) => by)).toContain('bob@example.com');
  });
});

it('TensorFlow Serving: numbers that JSON has not pass as they are spelled, masked or not', async () => {
  const body = '{"instances": [NaN, -Infinity, 1e400, "bob@example.com"]}';
  for (const who of ['carol', 'alice']) {
    world.model.next(answer('application/json', '{"predictions": [NaN, "anna@example.com", Infinity]}'));
    const got = await post(who, 'tf/v1/models/m:predict', 'application/json', body);
    const masked = who === 'alice';
    expect(got.seen).toBe(masked ? body.replace('bob@example.com', '<EMAIL>') : body);
    expect(got.text).toBe(`{"predictions": [NaN, "${masked ? '<EMAIL>' : 'anna@example.com'}", Infinity]}`);
  }
});
