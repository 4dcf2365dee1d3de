/** A real TorchServe behind the gateway: what is predicted, masked or not, at once or in pieces, and who may manage it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../protocols/scenarios/plain-http.ts';
import type { Endpoint } from '../../protocols/scenarios/scenario.ts';
import { TORCHSERVE_AT } from '../../protocols/scenarios/torchserve.ts';
import { startWorld, type World } from '../../support/world.ts';
import { type RunningTorchserve, startTorchserve, torchserve } from './torchserve.ts';

const server = torchserve();
const PORTS = ['predictions', 'management'] as const;
const CASES = PORTS.flatMap((port) => TORCHSERVE_AT[port].map((scenario) => [port, scenario.name, scenario] as const));
const IN_PIECES = { text: 'mail anna@example.com', stream: true };

if (server.kind === 'none') it(`TorchServe: not run, ${server.why}`, () => {});
else
  describe('TorchServe', () => {
    let running: RunningTorchserve;
    let world: World;
    beforeAll(async () => {
      running = await startTorchserve(server);
      world = await startWorld(
        ({ issuer }) => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity: { issuers: [{ issuer: ${issuer}, audience: sallyport }] }
services:
  - { name: predictions, protocol: torchserve, upstream: { url: ${running.predictions} } }
  - { name: management, protocol: torchserve, upstream: { url: ${running.management} } }
policies:
  - { name: all, when: '"ml" in caller.groups', then: allow }
  - { name: manage, when: '"privacy-cleared" in caller.groups && call.management', then: allow }
masking:
  - { name: pii, when: '!("privacy-cleared" in caller.groups)', entities: [email] }
`,
      );
    });
    afterAll(async () => {
      await Promise.all([running.stop(), world.close()]);
    });
    const through = async (port: (typeof PORTS)[number], who: string): Promise<Endpoint> => ({
      url: `${world.url}/${port}`,
      token: await world.idp.token(who),
    });

    it.each(CASES)('answers through the gateway what it answers directly: %s, %s', async (port, _, { run }) => {
      const direct = await run({ url: running[port], token: 'unused' });
      expect(await run(await through(port, 'carol'))).toEqual(direct);
    });

    it.each(
      CASES.filter(
        ([
          ,
          ,
          {
            expect: { texts },
          },
        ]) => texts.length > 0,
      ),
    )('is masked, though no answer says what it is: %s, %s', async (port, _, { run }) => {
      const masked = JSON.stringify(await run(await through(port, 'alice')));
      expect(masked).not.toContain('anna@');
      expect(masked).toContain('<EMAIL>');
    });

    it('predicts in pieces, which are one text where something is masked', async () => {
      const path = '/predictions/talker';
      expect(await ask(await through('predictions', 'carol'), path, IN_PIECES)).toBe('mail anna@example.com');
      expect(await ask(await through('predictions', 'alice'), path, IN_PIECES)).toBe('mail <EMAIL>');
    });

    it('is managed by nobody who may not', async () => {
      const refused = ask(await through('management', 'alice'), '/models');
      await expect(refused).rejects.toMatchObject({ status: 403 });
    });
  });
