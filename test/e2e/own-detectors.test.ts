import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream } from '../support/model-answers.ts';
import { startWorld, usualConfig, type Places, type World } from '../support/world.ts';

const config = (places: Places, detectors: string): string =>
  `${usualConfig(places).replace('[email, credit_card, secret]', '[employee]')}
  - { name: all-see, direction: response, entities: [employee], with: hash, when: 'false' }
detectors: ${detectors}
`;

let world: World;
let places: Places;
beforeAll(async () => {
  world = await startWorld((at) => {
    places = at;
    return config(at, String.raw`[{ name: employee, pattern: '\bEMP-\d{6}\b' }]`);
  });
});
afterAll(() => world.close());

const ask = { model: 'model-1', messages: [{ role: 'user' as const, content: 'who is EMP-123456?' }] };
const client = async () =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: await world.idp.token('alice'), maxRetries: 0 });

const answered = async (): Promise<string> => {
  world.model.next(chat('It is EMP-123456, not EMP-1234567 or XYZ-1.'));
  const answer = await (await client()).chat.completions.create(ask);
  return answer.choices[0]?.message.content ?? '';
};

describe('detectors of an operator', () => {
  it('mask requests, answers and streams cut anywhere', async () => {
    expect(await answered()).toBe('It is <EMPLOYEE>, not EMP-1234567 or XYZ-1.');
    const [last] = world.model.requests.slice(-1);
    expect(String(last?.body)).toContain('who is <EMPLOYEE>?');
    world.model.next(chatStream('It is EMP-123456 and EMP-1234567.'.split('')));
    let streamed = '';
    for await (const event of await (await client()).chat.completions.create({ ...ask, stream: true }))
      streamed += event.choices[0]?.delta.content ?? '';
    expect(streamed).toBe('It is <EMPLOYEE> and EMP-1234567.');
  });

  it('change with the config, and stay when the new one cannot be used', async () => {
    const loads = () => world.log().match(/config reloaded/g)?.length ?? 0;
    const refusals = () => world.log().match(/cannot be used/g)?.length ?? 0;
    world.configure(config(places, "[{ name: employee, pattern: 'XYZ-[0-9]' }]"));
    await expect.poll(loads, { timeout: 30_000 }).toBe(1);
    expect(await answered()).toBe('It is EMP-123456, not EMP-1234567 or <EMPLOYEE>.');
    world.configure(config(places, "[{ name: employee, pattern: '(a' }]"));
    await expect.poll(refusals, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(world.log()).toContain('a group has no end, at character 1 of the pattern');
    expect(await answered()).toBe('It is EMP-123456, not EMP-1234567 or <EMPLOYEE>.');
  });
});
