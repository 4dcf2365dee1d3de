/** The Python clients of OpenAI and Anthropic, directly and through the gateway: plain, streamed, asynchronous, refused. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProvider } from '../../protocols/mock-provider.ts';
import { startWorld, type World } from '../../support/world.ts';
import { runScript } from '../serving.ts';
import { pythonWith } from './python.ts';

const python = pythonWith(['openai==3.57.0', 'anthropic==2.14.0'], ['openai', 'anthropic']);

/** What each call came to, by client and call. */
type Seen = Readonly<Record<'openai' | 'anthropic', Readonly<Record<string, unknown>>>>;

if (python.kind === 'none') it(`openai and anthropic in Python: not run, ${python.why}`, () => {});
else
  describe('the Python clients of OpenAI and Anthropic', () => {
    let provider: Awaited<ReturnType<typeof startProvider>>;
    let world: World;
    beforeAll(async () => {
      provider = await startProvider();
      world = await startWorld(
        ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: openai, protocol: openai, upstream: { url: ${provider.url} } }
  - { name: anthropic, protocol: anthropic, upstream: { url: ${provider.url} } }
policies:
  - { name: all, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }
`,
      );
    });
    afterAll(async () => {
      await Promise.all([provider.stop(), world.close()]);
    });

    const call = (one: string, two: string, token: string): Promise<Seen> =>
      runScript(python.command, [join(import.meta.dirname, 'sdk_calls.py'), one, two, token]);
    const through = async (who: string): Promise<Seen> =>
      call(`${world.url}/openai`, `${world.url}/anthropic`, await world.idp.token(who));

    it('see through the gateway what they see without it', async () => {
      const direct = await call(provider.url, provider.url, 'unused');
      const { unknown, ...known } = direct.openai;
      expect(
        Object.values({ ...known, ...direct.anthropic }).some((seen) => JSON.stringify(seen).includes('"error"')),
      ).toBe(false);
      expect(unknown).toMatchObject({ error: 'NotFoundError', status: 404 });
      const seen = await through('carol');
      expect(seen.openai).toEqual({
        ...known,
        unknown: { ...seen.openai['unknown']!, error: 'NotFoundError', status: 404 },
      });
      expect(seen.anthropic).toEqual(direct.anthropic);
    });

    it('see masked texts, streamed or not', async () => {
      const seen = JSON.stringify(await through('alice'));
      expect(seen).not.toContain('anna@');
      expect(seen).toContain('<EMAIL>');
    });

    it('raise their own errors for what is refused', async () => {
      const { openai, anthropic } = await through('ci');
      const refused = { error: 'PermissionDeniedError', status: 403 };
      const { unknown, ...known } = openai;
      for (const seen of [...Object.values(known), ...Object.values(anthropic)]) expect(seen).toMatchObject(refused);
      expect(JSON.stringify(known)).toContain('No policy allows this call.');
      expect(unknown).toMatchObject({ error: 'NotFoundError', status: 404 });
    });
  });
