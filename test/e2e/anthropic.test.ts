import Anthropic, { AuthenticationError, PermissionDeniedError } from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { message, messageStream, messageToolStream, recut } from '../support/model-answers.ts';
import { startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const client = async (who: string) =>
  new Anthropic({ baseURL: `${world.url}/claude`, apiKey: await world.idp.token(who), maxRetries: 0 });
const ask = { model: 'model-1', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hello' }] };

describe('the unmodified anthropic client', () => {
  it('gets a whole answer, masked', async () => {
    world.model.next(message('write to anna@example.com'));
    const answer = await (await client('alice')).messages.create(ask);
    expect(answer.content).toEqual([expect.objectContaining({ type: 'text', text: 'write to <EMAIL>' })]);
  });

  it('gets a streamed answer, masked however it is cut', async () => {
    for (const sizes of [[1], [9, 2], [4000]]) {
      world.model.next(recut(messageStream(['write to an', 'na@exam', 'ple.co', 'm now']), sizes));
      const final = await (await client('alice')).messages.stream(ask).finalText();
      expect(final).toBe('write to <EMAIL> now');
    }
  });

  it('gets the input of a tool, masked inside its JSON', async () => {
    world.model.next(messageToolStream('mail', ['{"to":"anna@', 'example.com","n":1}']));
    const tools = [{ name: 'mail', input_schema: { type: 'object' as const } }];
    const final = await (await client('alice')).messages.stream({ ...ask, tools }).finalMessage();
    expect(final.content.find(({ type }) => type === 'tool_use')).toMatchObject({
      name: 'mail',
      input: { to: '<EMAIL>', n: 1 },
    });
  });

  it('presents the token as x-api-key, which the model server never sees', async () => {
    await (await client('alice')).messages.create(ask);
    const seen = world.model.requests.at(-1)!;
    expect(seen.header('x-api-key')).toBe(UPSTREAM_KEY);
    expect(seen.header('anthropic-version')).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  it('reads refusals as its own error classes', async () => {
    const anonymous = new Anthropic({ baseURL: `${world.url}/claude`, apiKey: 'nonsense', maxRetries: 0 });
    await expect(anonymous.messages.create(ask)).rejects.toBeInstanceOf(AuthenticationError);
    const denied: unknown = await (await client('alice')).messages
      .create({ ...ask, tools: [{ name: 'shell', input_schema: { type: 'object' } }] })
      .catch((error: unknown) => error);
    expect(denied).toBeInstanceOf(PermissionDeniedError);
    expect(denied).toMatchObject({
      status: 403,
      error: { type: 'error', error: { type: 'permission_error' }, reason: 'policy-denied' },
    });
    expect(String(denied)).toContain('The shell tool is not available here.');
  });
});
