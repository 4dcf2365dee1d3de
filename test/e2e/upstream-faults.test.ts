import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakOff, chat, chatStream } from '../support/model-answers.ts';
import type { Answer } from '../support/model-server.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let tokens: Readonly<Record<string, string>>;
beforeAll(async () => {
  world = await startWorld();
  tokens = { alice: await world.idp.token('alice'), carol: await world.idp.token('carol') };
});
afterAll(() => world.close());

const raw = (...steps: Answer['steps']): Answer => ({ status: 200, headers: [], framing: 'raw', steps });
const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

/** What can be wrong with an answer, and it is at its worst when it races with the record becoming durable. */
const FAULTS: readonly (readonly [string, Answer])[] = [
  ['closes behind the head', { ...chat('x'), steps: [{ cut: true }] }],
  ['closes within a whole answer', breakOff(chat('a long enough answer'), 30)],
  ['closes within a stream', breakOff(chatStream(['a', 'b', 'c']), 300)],
  ['closes without a word', raw({ cut: true })],
  ['sends no HTTP', raw({ send: 'nonsense\r\n\r\n' })],
  ['declares more than it sends', raw({ send: `${head}Content-Length: 100\r\n\r\n{}` })],
  ['declares less than it sends', raw({ send: `${head}Content-Length: 2\r\n\r\n{}{"more":1}` })],
  ['breaks its chunks', raw({ send: `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}` })],
  [
    'sends a status line that nobody may repeat',
    raw({ send: `HTTP/1.1 200 O\u0001K\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}` }),
  ],
  ['sends a head that is too large', raw({ send: `${head}X: ${'x'.repeat(100_000)}\r\n\r\n` })],
];

describe('an upstream that fails', () => {
  it.each(FAULTS)('%s: the caller learns it, and the gateway lives', async (_what, answer) => {
    for (let round = 0; round < 12; round++) {
      const who = round % 2 === 0 ? 'alice' : 'carol';
      world.model.next(answer);
      const outcome = await fetch(`${world.url}/llm/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens[who]}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', messages: [] }),
      })
        .then(
          async (got) => ({ status: got.status, text: await got.text() }),
          (error: unknown) => ({ status: 0, text: String(error) }),
        )
        .catch((error: unknown) => ({ status: 0, text: String(error) }));
      // either the connection broke in the caller's hands, or a refusal said why; a short body may be whole JSON
      if (outcome.status === 200) expect(JSON.parse(outcome.text)).toEqual({});
      else expect([0, 502]).toContain(outcome.status);
    }
    const { status } = await fetch(`${world.control}/readyz`);
    expect(status).toBe(200);
  });

  it('leaves its reason in the log of every call', () => {
    expect(world.log().match(/"reason":"upstream-failed"/g)?.length).toBeGreaterThan(50);
  });
});
