import { createHmac } from 'node:crypto';
import Anthropic, { BadRequestError } from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecordingKey } from '../../src/config/secrets.ts';
import { json, messageEvents, recut } from '../support/model-answers.ts';
import type { Answer, SeenRequest } from '../support/model-server.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'policies:\n',
      `  - { name: other, protocol: anthropic, upstream: { url: ${places.model} } }\npolicies:\n`,
    ),
  );
  world.model.always(thinkingModel);
});
afterAll(() => world.close());

const client = async (who: string, service = 'claude') =>
  new Anthropic({ baseURL: `${world.url}/${service}`, apiKey: await world.idp.token(who), maxRetries: 0 });

const EMAIL = 'anna@example.com';
const signed = (thinking: string): string => createHmac('sha256', 'model').update(thinking).digest('base64');
const thought = (text: string) => ({ type: 'thinking', thinking: text, signature: signed(text) });

interface Block {
  readonly type: string;
  readonly thinking?: string;
  readonly signature?: string;
}

/** The thinking in a request, the latest last. */
function thinkingIn(request: SeenRequest): readonly Block[] {
  const body: { messages: { content: string | Block[] }[] } = JSON.parse(request.body.toString());
  return body.messages
    .flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    .filter(({ type }) => type === 'thinking');
}

/** As Anthropic's API does: thinking comes back as it was signed, or the request is refused. Two tools, then an end. */
function thinkingModel(request: SeenRequest): Answer {
  const earlier = thinkingIn(request);
  if (earlier.some(({ thinking = '', signature }) => signature !== signed(thinking)))
    return json(
      { type: 'error', error: { type: 'invalid_request_error', message: 'Invalid `signature` in `thinking` block' } },
      400,
    );
  const turn = earlier.length;
  const content =
    turn < 2
      ? [
          thought(`Turn ${turn}: "${EMAIL}" must be written to.\n`),
          { type: 'tool_use', id: `toolu_${turn}`, name: 'mail', input: { turn } },
        ]
      : [thought('Nothing is left to do.'), { type: 'text', text: `wrote to ${EMAIL}` }];
  const streamed = request.body.includes('"stream":true');
  const stop = turn < 2 ? 'tool_use' : 'end_turn';
  return streamed ? recut(messageEvents(content, stop), [7, 3, 11]) : json(messageOf(content, stop));
}

const messageOf = (content: readonly object[], stop_reason: string) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'model-1',
  content,
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 3 },
});

const MAIL = { name: 'mail', description: 'writes', input_schema: { type: 'object' as const } };
const QUESTION = { role: 'user' as const, content: 'Write to her.' };
const ask = { model: 'model-1', max_tokens: 64, tools: [MAIL], messages: [QUESTION] };

type Change = (block: Anthropic.ThinkingBlock) => Anthropic.ThinkingBlock;

/** Returns the messages of a second turn after the first answer, changed. */
async function secondTurn(who = 'alice', change: Change = (block) => block) {
  const first = await (await client(who)).messages.create(ask);
  const content = first.content.map((block) => (block.type === 'thinking' ? change(block) : block));
  return {
    ...ask,
    messages: [
      QUESTION,
      { role: 'assistant' as const, content },
      {
        role: 'user' as const,
        content: [{ type: 'tool_result' as const, tool_use_id: 'toolu_0', content: 'done' }],
      },
    ],
  };
}

/** Makes a call that must be refused as unreadable; the model server must not hear of it. */
async function refused(who: string, body: Awaited<ReturnType<typeof secondTurn>>, service = 'claude') {
  const before = world.model.requests.length;
  const error: unknown = await (await client(who, service)).messages.create(body).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BadRequestError);
  expect(error).toMatchObject({ error: { reason: 'body-unreadable' } });
  expect(world.model.requests.length).toBe(before);
}

describe('thinking that was masked', () => {
  it.each([false, true])(
    'goes back to the model server as it was signed, in a tool loop of the SDK (streamed: %s)',
    async (stream) => {
      const from = world.model.requests.length;
      const runner = (await client('alice')).beta.messages.toolRunner({
        model: 'model-1',
        max_tokens: 64,
        stream,
        // the whole history every turn: in a message thread, thinking stays at the server
        thread: false,
        messages: [QUESTION],
        max_iterations: 6,
        tools: [betaTool({ name: 'mail', description: 'writes', inputSchema: { type: 'object' }, run: () => 'done' })],
      });
      const final = await runner.runUntilDone();
      expect(final.content.at(-1)).toMatchObject({ type: 'text', text: 'wrote to <EMAIL>' });
      // what the SDK has is masked, every turn of it
      const known = JSON.stringify(runner.params.messages);
      expect(known).toContain('Turn 1: \\"<EMAIL>\\" must be written to.');
      expect(known).not.toContain(EMAIL);
      // what the model server got is what it said
      const turns = world.model.requests.slice(from);
      expect(turns).toHaveLength(3);
      expect(thinkingIn(turns[2]!)).toEqual(
        [0, 1].map((turn) => thought(`Turn ${turn}: "${EMAIL}" must be written to.\n`)),
      );
    },
  );

  it('keeps its signature where nothing was masked', async () => {
    const answer = await (await client('carol')).messages.create(ask);
    expect(answer.content[0]).toEqual(thought(`Turn 0: "${EMAIL}" must be written to.\n`));
  });

  it('goes back for the caller that it was for and for nobody else', async () => {
    await refused('bob', await secondTurn('alice'));
  });

  it('goes back to the service that it came from and to no other', async () => {
    await refused('alice', await secondTurn('alice'), 'other');
  });

  it.each<[string, Change]>([
    ['another text beside it', (block) => ({ ...block, thinking: `${block.thinking} 4111 1111 1111 1111` })],
    ['a changed byte', ({ signature, ...block }) => ({ ...block, signature: signature.replace(/.{4}$/, 'AAAA') })],
    ['a missing end', ({ signature, ...block }) => ({ ...block, signature: signature.slice(0, 60) })],
    ['nothing under it', ({ signature, ...block }) => ({ ...block, signature: signature.slice(0, 13) })],
  ])('does not go back with %s', async (_what, change) => {
    await refused('alice', await secondTurn('alice', change));
  });

  it('does not pass as sealed where the seal is spelled so that nobody would look', async () => {
    const body = JSON.stringify(await secondTurn('alice', (block) => ({ ...block, thinking: `to ${EMAIL}` })));
    const answer = await fetch(`${world.url}/claude/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': await world.idp.token('alice'), 'content-type': 'application/json' },
      body: body.replaceAll('sallyport.v1.', String.raw`s\u0061llyport.v1.`),
    });
    // it is masked like any other text, and refused by who signed it
    expect(answer.status).toBe(400);
    expect(world.model.requests.at(-1)?.body.toString()).not.toContain(EMAIL);
  });

  it('promise 6: is not shown to who approves its return, and goes back as it was signed once they have', async () => {
    const body = { ...(await secondTurn('alice')), max_tokens: 9000 };
    const before = world.model.requests.length;
    const held = (await client('alice')).messages.create(body, { headers: { prefer: 'wait=55' } });
    const pending = async (): Promise<string> => {
      const { stdout } = await world.cli(['--json', 'approvals', 'list'], 'bob');
      const [first]: { id: string }[] = JSON.parse(stdout);
      return first?.id ?? '';
    };
    await expect.poll(pending, { timeout: 20_000 }).not.toBe('');
    const id = await pending();
    const { stdout } = await world.cli(['approvals', 'show', '--full', id], 'bob');
    expect(stdout).toContain('<EMAIL>');
    expect(stdout).not.toContain(EMAIL);
    expect(world.model.requests.length).toBe(before);
    expect((await world.cli(['approvals', 'approve', '--yes', id], 'bob')).code).toBe(0);
    expect((await held).stop_reason).toBe('tool_use');
    expect(thinkingIn(world.model.requests.at(-1)!)).toEqual([thought(`Turn 0: "${EMAIL}" must be written to.\n`)]);
  });

  it('is in the record masked, and the record says that its original was opened', async () => {
    await (await client('alice')).messages.create(await secondTurn('alice'));
    const list = await world.cli(['--json', 'sessions', 'list']);
    const [latest]: { id: string }[] = JSON.parse(list.stdout);
    const { stdout } = await world.cli(['sessions', 'show', latest?.id ?? '']);
    const replay = await world.cli(['sessions', 'replay', '--speed', 'max', latest?.id ?? '']);
    const said = stdout + replay.stdout;
    expect(said).toContain('sealed originals were opened');
    expect(said).not.toContain(EMAIL);
    // and which bytes went, to whoever has the key (docs/adr/0020-signed-text.md)
    const hmac = (key: Uint8Array, bytes: Uint8Array | string) => createHmac('sha256', key).update(bytes).digest();
    const recordingKey = readRecordingKey({ file: 'keys/recording.key' }, world.folder);
    const sent = world.model.requests.at(-1)?.body ?? Buffer.alloc(0);
    const digest = hmac(hmac(recordingKey, 'sallyport signed text v1'), sent).toString('hex');
    expect(said).toContain(`${sent.length} bytes, HMAC-SHA-256 ${digest}`);
  });
});
