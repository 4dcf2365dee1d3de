import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream } from '../../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../../support/world.ts';
import { freePort, serve, type Serving } from '../serving.ts';
import { pythonWith } from './python.ts';

const python = pythonWith(['presidio-analyzer==2.2.366', 'flask==3.1.3'], ['presidio_analyzer', 'flask']);

if (python.kind === 'none') it(`Presidio: not run, ${python.why}`, () => {});
else
  describe('Presidio’s analyzer as a classifier, with recognizers by pattern (its models of language: not run)', () => {
    let presidio: Serving;
    let world: World;

    beforeAll(async () => {
      const url = `http://127.0.0.1:${await freePort()}`;
      presidio = await serve(python.command, [join(import.meta.dirname, 'presidio_server.py'), new URL(url).port], {
        cwd: tmpdir(),
        url: `${url}/health`,
      });
      world = await startWorld((places) =>
        usualConfig(places).replace(
          'masking:',
          `  - { name: no-cards-in, when: '"credit_card" in call.classified.people.labels', then: deny }
classifiers:
  - { name: people, kind: presidio, url: "${url}", send: raw, on_error: deny, timeout: 60s }
masking:
  - { name: names, direction: both, entities: [people.person], with: replace }`,
        ),
      );
    });
    afterAll(async () => {
      await world.close();
      await presidio.stop();
    });

    const client = async () =>
      new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: await world.idp.token('carol'), maxRetries: 0 });
    const ask = (content: string) => ({ model: 'model-1', messages: [{ role: 'user' as const, content }] });

    it('has names masked where it found them, behind characters of two units, in requests and answers', async () => {
      const said = '👋🏽 Ask Anna Schmidt. Or 👩‍🚀 王小明, or Anna.';
      const masked = '👋🏽 Ask <PERSON>. Or 👩‍🚀 <PERSON>, or Anna.';
      world.model.next(chat(said));
      const answer = await (await client()).chat.completions.create(ask(said));
      expect(world.model.requests.at(-1)?.body.toString()).toContain(masked);
      expect(answer.choices[0]?.message.content).toBe(masked);
      world.model.next(chatStream(Array.from(said)));
      let streamed = '';
      const stream = await (await client()).chat.completions.create({ ...ask('Hi'), stream: true });
      for await (const { choices } of stream) streamed += choices[0]?.delta.content ?? '';
      expect(streamed).toBe(masked);
    });

    it('has its entities read by rules', async () => {
      const error: unknown = await (await client()).chat.completions
        .create(ask('My card is 4012888888881881.'))
        .catch((cause: unknown) => cause);
      expect(error).toMatchObject({ status: 403, code: 'policy-denied' });
    });
  });
