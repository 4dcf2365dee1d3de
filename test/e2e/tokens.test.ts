import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places).replace('direction: both', 'direction: request\n    with: tokenize'),
  );
});
afterAll(() => world.close());

const client = async (who = 'alice') =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: await world.idp.token(who), maxRetries: 0 });

const asking = (content: string) => ({ model: 'model-1', messages: [{ role: 'user' as const, content }] });
const sent = (): string => String(world.model.requests.at(-1)?.body);

describe('tokenised requests', () => {
  it('come back whole in the answer to the caller who sent them, and only there', async () => {
    world.model.next(chat('I wrote to <EMAIL_1> and <EMAIL_2>, not <EMAIL_3>.'));
    const { data, response } = await (await client()).chat.completions
      .create(asking('mail bob@example.com and eve@example.com'))
      .withResponse();
    expect(sent()).toContain('mail <EMAIL_1> and <EMAIL_2>');
    expect(sent()).not.toContain('bob@');
    expect(data.choices[0]?.message.content).toBe('I wrote to bob@example.com and eve@example.com, not <EMAIL_3>.');
    // the record keeps what the caller saw
    const session = response.headers.get('sallyport-session') ?? '';
    const { stdout } = await world.cli(['sessions', 'show', session, '--bodies']);
    expect(stdout).toContain('I wrote to bob@example.com');

    // another caller's call, and the same caller's next one, know nothing of them
    for (const who of ['carol', 'alice']) {
      world.model.next(chat('Try <EMAIL_1>.'));
      const other = await (await client(who)).chat.completions.create(asking('who else?'));
      expect(other.choices[0]?.message.content).toBe('Try <EMAIL_1>.');
    }
  });

  it('come back in a stream that cuts tokens anywhere', async () => {
    world.model.next(chatStream('To <EMAIL_1>, or <EMAIL_2>; <b>!'.split('')));
    let text = '';
    const stream = await (await client()).chat.completions.create({
      ...asking('mail bob@example.com'),
      stream: true,
    });
    for await (const event of stream) text += event.choices[0]?.delta.content ?? '';
    expect(text).toBe('To bob@example.com, or <EMAIL_2>; <b>!');
  });
});
