import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { awsEnv, type KeyService, startKeyService } from '../support/key-service.ts';
import { chat } from '../support/model-answers.ts';
import { type Places, startWorld, usualConfig, type World } from '../support/world.ts';

const GATEWAY = 'AKIAGATEWAY';
const AUDITOR = 'AKIAAUDITOR';

let world: World;
let kms: KeyService;

const call = async (text: string): Promise<string> => {
  world.model.next(chat('an answer'));
  const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'model-1', messages: [{ role: 'user', content: text }] }),
  });
  expect(answer.status).toBe(200);
  await answer.text();
  return answer.headers.get('sallyport-session') ?? '';
};

const cli = (who: string, ...args: readonly string[]) => world.cli(args, undefined, awsEnv(who));
const metrics = async (): Promise<string> => (await fetch(`${world.control}/metrics`)).text();

beforeAll(async () => {
  kms = await startKeyService({ [GATEWAY]: ['Encrypt'], [AUDITOR]: ['Decrypt'] });
  let places: Places = { issuer: '', model: '' };
  world = await startWorld((given) => {
    places = given;
    return usualConfig(given);
  });
  await world.stopGateway();
  const recipient = `{ aws_kms: "${kms.arn}", endpoint: "${kms.url}" }`;
  world.configure(usualConfig(places, `\nrecording: { recipients: [${recipient}] }\n`));
});
afterAll(async () => {
  await world.close();
  await kms.stop();
});

it('does not start while the key service wraps no key, and says who has to do what', async () => {
  kms.fail(true);
  await expect(world.startGateway({ env: awsEnv(GATEWAY) })).rejects.toThrow(
    /error: cannot start: AWS KMS did not wrap a key for arn:[^\n]*out of order[^\n]*kms:Encrypt[^\n]*check --online/,
  );
  kms.fail(false);
  await expect(world.startGateway({ env: awsEnv(AUDITOR) })).rejects.toThrow('AccessDeniedException');
  await world.startGateway({ env: awsEnv(GATEWAY) });
});

it('goes on under the key in use when it cannot be replaced, and says so', async () => {
  expect((await cli(GATEWAY, 'check', '--online')).code).toBe(0);
  kms.fail(true);
  const refused = await cli(GATEWAY, 'keys', 'rotate');
  expect(refused.code).toBe(4);
  expect(refused.stderr).toMatch(/out of order.*; recordings stay under the key in use/);
  await call('while the key service is down');
  expect(await metrics()).toMatch(/^sallyport_recording_key_failures_total 1$/m);
  expect(world.log()).toContain('no new recording key could be made; recordings stay under the one in use');
  const checked = await cli(GATEWAY, 'check', '--online');
  expect(checked.code).toBe(1);
  expect(checked.stdout).toMatch(/problem\s+key service arn:.*did not wrap/);
  kms.fail(false);
  expect((await cli(GATEWAY, 'keys', 'rotate')).code).toBe(0);
});

it('never asks the key service for a call, and reads with the credentials of who may decrypt', async () => {
  const asked = kms.asked.length;
  const id = await call('for the auditors of the account');
  expect(kms.asked.length).toBe(asked);
  await vi.waitFor(async () => expect((await cli(GATEWAY, 'sessions', 'list')).stdout).toContain(id), 20_000);
  await world.stopGateway();
  const show = (who: string) => cli(who, 'sessions', 'show', id, '--bodies', '--identity', 'aws-kms');
  const refused = await show(GATEWAY);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/is not at hand: AWS KMS did not unwrap .*AccessDeniedException: AKIAGATEWAY is not/);
  const before = kms.asked.length;
  expect((await show(AUDITOR)).stdout).toContain('for the auditors of the account');
  // there are three keys, and this was under the last one
  expect(kms.asked.slice(before).map(({ context }) => context['sallyport-key'])).toEqual([
    kms.asked.findLast(({ operation }) => operation === 'Encrypt')?.context['sallyport-key'],
  ]);
});
