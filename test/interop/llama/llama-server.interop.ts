/** A real llama-server behind the gateway: what its clients see, what is masked of it, and what its own log says. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LLAMA_SAYS, LLAMA_SERVER_FOR } from '../../protocols/scenarios/llama-server.ts';
import type { Endpoint, Scenario } from '../../protocols/scenarios/scenario.ts';
import { startWorld, type World } from '../../support/world.ts';
import { steady } from '../steady.ts';
import { type Llama, llamaServer, type Purpose, startLlama } from './llama-server.ts';

const server = llamaServer();
const PURPOSES: readonly Purpose[] = ['texts', 'embeddings', 'ranks'];
const CASES = PURPOSES.flatMap((purpose) =>
  LLAMA_SERVER_FOR[purpose].map((scenario): [Purpose, string, Scenario] => [purpose, scenario.name, scenario]),
);

const MASKED = CASES.filter(([, , scenario]) => scenario.expect.texts.length > 0);

/** Counts, times and ids that are others every time. */
const CHANGING =
  'id item_id response_id id_slot id_task created created_at completed_at timings tokens_cached cached_tokens cache_read_input_tokens input_tokens media_marker'.split(
    ' ',
  );

/** Settings that say again what the model must say, and tokens: masks change or withhold them. */
const asMasked = (document: unknown): string => JSON.stringify(steady(document, CHANGING));

/** What is said for ever, as far as the caller listens. */
const ENDLESS = { prompt: 'x', n_predict: -1, ignore_eos: true, grammar: 'root ::= [a-z]*', stream: true };

if (server.kind === 'none') it(`llama-server: not run, ${server.why}`, () => {});
else
  describe('llama-server', () => {
    const running = new Map<Purpose, Llama>();
    let world: World;
    const llama = (purpose: Purpose): Llama => running.get(purpose)!;
    const through = async (purpose: Purpose, who: string): Promise<Endpoint> => ({
      url: `${world.url}/${purpose}`,
      token: await world.idp.token(who),
    });

    beforeAll(async () => {
      for (const purpose of PURPOSES) running.set(purpose, await startLlama(server, purpose, LLAMA_SAYS));
      const services = PURPOSES.map(
        (purpose) => `  - { name: ${purpose}, protocol: llama-server, upstream: { url: ${llama(purpose).url} } }`,
      );
      world = await startWorld(
        ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
${services.join('\n')}
policies:
  - { name: all, when: '"ml" in caller.groups', then: allow }
  - { name: manage, when: '"privacy-cleared" in caller.groups && call.management', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }
`,
      );
    });
    afterAll(async () => {
      await Promise.all([...running.values()].map((one) => one.stop()));
      await world.close();
    });

    // what a slot shows depends on what it has just done
    const constant = CASES.filter(([, name]) => name !== 'slots');
    it.each(constant)('answers through the gateway what it answers directly: %s, %s', async (purpose, _, { run }) => {
      const direct = await run({ url: llama(purpose).url, token: 'unused' });
      expect(steady(await run(await through(purpose, 'carol')), CHANGING)).toEqual(steady(direct, CHANGING));
    });

    it.each(MASKED)('is masked, split into single letters or not: %s, %s', async (purpose, _, { run }) => {
      const direct = asMasked(await run({ url: llama(purpose).url, token: 'unused' }));
      const masked = asMasked(await run(await through(purpose, 'alice')));
      expect(masked).not.toContain('anna@');
      expect(masked).toContain('<EMAIL>');
      expect(masked).not.toBe(direct);
    });

    it('stops to work for a caller who leaves, as its own log says', async () => {
      const { url, token } = await through('texts', 'alice');
      const leaving = new AbortController();
      const answer = await fetch(`${url}/completion`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(ENDLESS),
        signal: leaving.signal,
      });
      const reader = answer.body!.getReader();
      expect((await reader.read()).done).toBe(false);
      expect(llama('texts').log()).not.toContain('cancel task');
      leaving.abort();
      const [, task = ''] = await llama('texts').says(/cancel task, id_task = (\d+)/);
      await llama('texts').says(new RegExp(`release: .*task ${task} \\| stop processing`));
      const launched = [
        ...llama('texts')
          .log()
          .matchAll(/task (\d+) \| processing task/g),
      ];
      expect(launched.at(-1)?.[1]).toBe(task);
    });

    it('stops to work for a caller of its own likewise', async () => {
      const leaving = new AbortController();
      const answer = await fetch(`${llama('texts').url}/completion`, {
        method: 'POST',
        body: JSON.stringify(ENDLESS),
        signal: leaving.signal,
      });
      await answer.body!.getReader().read();
      leaving.abort();
      await llama('texts').says(/cancel task[^]*cancel task/);
    });

    it.each(['props', 'slots', 'lora-adapters', 'metrics'])('shows its %s to nobody who may not', async (path) => {
      const asked = async (who: string): Promise<number> => {
        const { url, token } = await through('texts', who);
        const answer = await fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${token}` } });
        await answer.arrayBuffer();
        return answer.status;
      };
      expect(await asked('alice')).toBe(403);
      expect(await asked('carol')).toBe(200);
    });
  });
