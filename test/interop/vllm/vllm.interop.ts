/** A real vLLM behind the gateway: what its clients see, and what is masked of it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint, Scenario } from '../../protocols/scenarios/scenario.ts';
import { VLLM_FOR, VLLM_SAYS } from '../../protocols/scenarios/vllm.ts';
import { textAt } from '../../protocols/text-at.ts';
import { startWorld, type World } from '../../support/world.ts';
import type { Serving } from '../serving.ts';
import { steady } from '../steady.ts';
import { startVllm, vllm, type VllmPurpose } from './vllm.ts';

const server = vllm();
const PURPOSES: readonly VllmPurpose[] = ['texts', 'vectors'];
const CASES = PURPOSES.flatMap((purpose) =>
  VLLM_FOR[purpose].map((scenario): [VllmPurpose, string, Scenario] => [purpose, scenario.name, scenario]),
);

const MASKED = CASES.filter(([, , scenario]) => scenario.expect.texts.length > 0);

const told = ({ expect: { texts } }: Scenario, documents: unknown): readonly string[] =>
  texts.map((path) => textAt(Array.isArray(documents) ? documents : [documents], path));

/** Times and ids that are others every time. */
const CHANGING = 'id item_id call_id response_id created created_at completed_at server_load'.split(' ');

if (server.kind === 'none') it(`vLLM: not run, ${server.why}`, () => {});
else
  describe('vLLM', () => {
    const running = new Map<VllmPurpose, Serving & { readonly url: string }>();
    let world: World;
    const urlOf = (purpose: VllmPurpose): string => running.get(purpose)?.url ?? '';
    const through = async (purpose: VllmPurpose, who: string): Promise<Endpoint> => ({
      url: `${world.url}/${purpose}`,
      token: await world.idp.token(who),
    });

    beforeAll(async () => {
      for (const purpose of PURPOSES) running.set(purpose, await startVllm(server, purpose, VLLM_SAYS));
      const services = PURPOSES.map(
        (purpose) => `  - { name: ${purpose}, protocol: vllm, upstream: { url: ${urlOf(purpose)} } }`,
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
  - { name: look, when: '"ml" in caller.groups && call.management', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }
`,
      );
    });
    afterAll(async () => {
      await Promise.all([...running.values()].map((one) => one.stop()));
      await world.close();
    });

    // what it makes of a tool that it must call is drawn by lot
    it.each(CASES.filter(([, name]) => !name.startsWith('chat-tool')))(
      'answers through the gateway what it answers directly: %s, %s',
      async (purpose, _, scenario) => {
        const { run } = scenario;
        const direct = await run({ url: urlOf(purpose), token: 'unused' });
        const seen = await run(await through(purpose, 'carol'));
        // how many tokens an event of a stream holds depends on how fast it is read
        if (scenario.expect.stream) expect(told(scenario, seen)).toEqual(told(scenario, direct));
        else expect(steady(seen, CHANGING)).toEqual(steady(direct, CHANGING));
      },
    );

    it.each(MASKED.filter(([, name]) => !name.startsWith('chat-tool')))(
      'is masked, however its tokens cut it: %s, %s',
      async (purpose, _, { run }) => {
        const masked = JSON.stringify(await run(await through(purpose, 'alice')));
        expect(masked).not.toContain('anna@');
        expect(masked).toContain('<EMAIL>');
      },
    );

    it('stops to work for a caller who leaves, as its own log says', async () => {
      const { url, token } = await through('texts', 'alice');
      const leaving = new AbortController();
      const answer = await fetch(`${url}/v1/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        // as long as it can be
        body: JSON.stringify({ model: 'tiny', prompt: 'x', stream: true, ignore_eos: true, max_tokens: 2000 }),
        signal: leaving.signal,
      });
      expect((await answer.body!.getReader().read()).done).toBe(false);
      const vllmServer = running.get('texts')!;
      expect(vllmServer.log()).not.toContain('Aborted request');
      leaving.abort();
      const [, aborted = ''] = await vllmServer.says(/Aborted request\(s\) (cmpl-[\w-]+)/);
      const [, asked] = [...vllmServer.log().matchAll(/Received request (cmpl-[\w-]+)/g)].at(-1) ?? [];
      // its engine puts something of its own behind the id
      expect(asked).toBeDefined();
      expect(aborted.startsWith(`${asked}`)).toBe(true);
    });
  });
