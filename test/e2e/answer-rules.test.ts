import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import OpenAI, { PermissionDeniedError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream, failure } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'masking:',
      `  - { name: no-secrets-out, on: answer, when: 'answer.findings.secret > 0', then: deny, message: A secret. }
  - { name: no-teapots, on: answer, when: 'answer.status == 418', then: deny }
  - { name: no-long-answers, on: answer, when: 'answer.output_tokens > 1000', then: deny }
masking:`,
    ),
  );
});
afterAll(() => world.close());

const SECRET = `sk-ant-api03-${'A1b2C3d4E5'.repeat(9)}xyzAA`;
const ask = { model: 'model-1', messages: [{ role: 'user' as const, content: 'hello' }] };
// no masking rule applies to carol
const client = async () =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: await world.idp.token('carol'), maxRetries: 0 });

/** What came on the wire, whole or not: fetch forgets what it has read when an answer breaks off. */
const raw = async (body: object): Promise<{ readonly text: string; readonly complete: boolean }> => {
  const token = await world.idp.token('carol');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const sent = request(`${world.url}/llm/v1/chat/completions`, { method: 'POST', headers }).end(JSON.stringify(body));
  const [answer]: IncomingMessage[] = await once(sent, 'response');
  if (answer === undefined) throw new Error('expected an answer');
  let got = '';
  answer.on('data', (chunk: Buffer) => void (got += chunk.toString())).on('error', () => {});
  await new Promise((resolve) => answer.on('close', resolve));
  return { text: got, complete: answer.complete };
};

const ended = async (session: string): Promise<unknown> => {
  const { stdout } = await world.cli(['sessions', 'show', session, '--json']);
  const { ending } = JSON.parse(stdout);
  return ending;
};

describe('a rule on answers', () => {
  it('refuses a whole answer for what was found in it, though nothing masks it', async () => {
    world.model.next(chat(`The key is ${SECRET}.`));
    const error = await (await client()).chat.completions.create(ask).catch((cause: unknown) => cause);
    if (!(error instanceof PermissionDeniedError)) throw new Error(`expected a refusal, found ${String(error)}`);
    expect(error.code).toBe('policy-denied');
    expect(error.message).toContain('A secret.');
    expect(error.message).not.toContain('sk-ant');
    const session = error.headers.get('sallyport-session') ?? '';
    expect(await ended(session)).toMatchObject({ reason: 'policy-denied', findings: { 'secret.anthropic': 1 } });
  });

  it('breaks off a streamed answer before the finding leaves, and says why', async () => {
    world.model.next(chatStream(['The key is ', ...(SECRET.match(/.{1,9}/g) ?? []), ' and more.', ' And more.']));
    const { text, complete } = await raw({ ...ask, stream: true });
    expect(complete).toBe(false);
    expect(text).toContain('"code":"policy-denied"');
    expect(text).not.toContain('sk-ant');
    expect(text).not.toContain('and more');
  });

  it('lets pass byte for byte what it does not deny', async () => {
    world.model.next(chat('Write to anna@example.com.'));
    const answer = await (await client()).chat.completions.create(ask);
    expect(answer.choices[0]?.message.content).toBe('Write to anna@example.com.');
  });

  it('sees the status before anything leaves', async () => {
    world.model.next(failure(418, 'a teapot'));
    const error = await (await client()).chat.completions.create(ask).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ status: 403, code: 'policy-denied' });
  });
});
