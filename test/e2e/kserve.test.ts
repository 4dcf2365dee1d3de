import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binaryBody, bytesTensor, type BinaryBody, inBinary } from '../kit/open-inference.ts';
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
  - { name: triton, protocol: kserve, upstream: { url: ${model} } }
policies:
  - { name: ml-may-infer, when: '"ml" in caller.groups', then: allow }
  - { name: small, when: 'call.tensors.exists(t, t.bytes > 1000)', then: deny, message: Smaller tensors please. }
  - name: reviewed
    when: 'call.model == "reviewed"'
    then: { approve: { by: ["group:ml-leads"], within: 1m, use_within: 1m } }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', direction: both, entities: [email] }
`,
  );
});
afterAll(() => world.close());

const answerOf = ({ bytes, rawHeaders }: BinaryBody): Answer => ({
  status: 200,
  headers: ['Content-Type', 'application/octet-stream', ...rawHeaders, 'Content-Length', String(bytes.length)],
  steps: [{ send: bytes }],
});

const infer = async (who: string, { bytes, rawHeaders }: BinaryBody, path = 'models/m/infer', more = {}) => {
  const got = await fetch(`${world.url}/triton/v2/${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await world.idp.token(who)}`,
      'content-type': 'application/octet-stream',
      [rawHeaders[0]!]: rawHeaders[1]!,
      ...more,
    },
    body: bytes,
  });
  return { status: got.status, headers: got.headers, body: Buffer.from(await got.arrayBuffer()) };
};

const texts = (list: string, ...elements: readonly string[]): BinaryBody => {
  const data = bytesTensor(...elements);
  return binaryBody({ [list]: [inBinary('t', 'BYTES', [elements.length], data)] }, data);
};

const approve = async (who: string, id: string): Promise<void> => {
  const at = `${world.control}/api/v1/approvals/${id}`;
  const headers = { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': 'application/json' };
  const { digest }: { digest: string } = JSON.parse(await (await fetch(at, { headers })).text());
  const body = JSON.stringify({ decision: 'approve', digest, reason: 'test' });
  expect((await fetch(`${at}/votes`, { method: 'POST', headers, body })).status).toBe(200);
};

describe('tensors in binary', () => {
  it('promise 9: transparent — pass byte for byte, both ways, where nothing is masked', async () => {
    const [body, answer] = [texts('inputs', 'anna@example.com', 'x'), texts('outputs', 'bob@example.com')];
    world.model.next(answerOf(answer));
    const got = await infer('carol', body);
    expect(got.body).toEqual(answer.bytes);
    expect(got.headers.get('inference-header-content-length')).toBe(answer.rawHeaders[1]);
    const seen = world.model.requests.at(-1)!;
    expect(seen.body).toEqual(body.bytes);
    expect(seen.header('inference-header-content-length')).toBe(body.rawHeaders[1]);
  });

  it('are masked both ways, with every length set right', async () => {
    world.model.next(answerOf(texts('outputs', 'to bob@example.com')));
    const got = await infer('alice', texts('inputs', 'anna@example.com', 'x'));
    const [body, answer] = [texts('inputs', '<EMAIL>', 'x'), texts('outputs', 'to <EMAIL>')];
    expect(got.body).toEqual(answer.bytes);
    expect(got.headers.get('inference-header-content-length')).toBe(answer.rawHeaders[1]);
    expect(got.headers.get('content-length')).toBe(String(answer.bytes.length));
    const seen = world.model.requests.at(-1)!;
    expect(seen.body).toEqual(body.bytes);
    expect(seen.header('inference-header-content-length')).toBe(body.rawHeaders[1]);
    expect(seen.header('content-length')).toBe(String(body.bytes.length));
  });

  it('are refused by what they are, in the words that the clients show', async () => {
    const data = Buffer.alloc(2000);
    const got = await infer('carol', binaryBody({ inputs: [inBinary('x', 'INT8', [2000], data)] }, data));
    expect(got.status).toBe(403);
    expect(JSON.parse(got.body.toString())).toMatchObject({
      reason: 'policy-denied',
      error: expect.stringContaining('Smaller tensors please. (policy-denied, session '),
    });
  });

  it('answer-unreadable is what becomes of an answer whose parts do not fit', async () => {
    const answer = answerOf(texts('outputs', 'x'));
    world.model.next({ ...answer, steps: [...answer.steps, { send: 'y' }], headers: answer.headers.slice(0, 4) });
    const got = await infer('alice', texts('inputs', 'x'));
    expect([got.status, JSON.parse(got.body.toString()).reason]).toEqual([502, 'answer-unreadable']);
  });

  it('promise 6: approvals bind — where the document ends is a part of what was approved', async () => {
    // the same bytes, of which one reading has a text in its document and the other in its tensors
    const body = texts('inputs', 'anna@example.com');
    const held = await infer('alice', body, 'models/reviewed/infer');
    expect(held.status).toBe(403);
    const { approval } = JSON.parse(held.body.toString());
    await approve('bob', approval);
    const spaced = { bytes: body.bytes, rawHeaders: [body.rawHeaders[0]!, `0${body.rawHeaders[1]}`] };
    const more = { 'sallyport-approval': approval };
    const other = await infer('alice', spaced, 'models/reviewed/infer', more);
    expect(JSON.parse(other.body.toString()).reason).toBe('approval-mismatch');
    world.model.next(answerOf(texts('outputs', 'done')));
    expect((await infer('alice', body, 'models/reviewed/infer', more)).status).toBe(200);
    const masked = texts('inputs', '<EMAIL>');
    expect(world.model.requests.at(-1)!.body).toEqual(masked.bytes);
    expect(world.model.requests.at(-1)!.header('inference-header-content-length')).toBe(masked.rawHeaders[1]);
  });
});

it('what manages the server is denied to whom only a wide rule allows', async () => {
  const before = world.model.requests.length;
  const got = await fetch(`${world.url}/triton/v2/repository/models/m/unload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('carol')}` },
  });
  expect(got.status).toBe(403);
  expect(await got.json()).toMatchObject({ reason: 'no-rule' });
  expect(world.model.requests.length).toBe(before);
});
