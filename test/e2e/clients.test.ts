/** The official clients, unmodified: what they get directly they get through the gateway, masked where a rule says so. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf, type Exchange, exchanges } from '../protocols/exchange.ts';
import { SCENARIOS } from '../protocols/scenarios/scenarios.ts';
import type { Answer } from '../support/model-server.ts';
import { recut } from '../support/model-answers.ts';
import { type Places, startWorld, type World } from '../support/world.ts';

const PROTOCOLS = [...new Set(SCENARIOS.map(({ protocol }) => protocol))];

const config = ({ issuer, model }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity:
  issuers: [{ issuer: ${issuer}, audience: sallyport }]
services:
${PROTOCOLS.map((protocol) => `  - { name: ${protocol}, protocol: ${protocol}, upstream: { url: ${model} } }`).join('\n')}
policies:
  - name: ml-may
    when: '"ml" in caller.groups'
    then: allow
masking:
  - name: pii
    when: '!("privacy-cleared" in caller.groups)'
    entities: [email]
`;

let world: World;
beforeAll(async () => {
  world = await startWorld(config);
});
afterAll(() => world.close());

const known = new Map(exchanges().map((exchange) => [`${exchange.protocol} ${exchange.name}`, exchange]));

/** The recorded answer, in pieces of odd sizes. */
const answerOf = ({ answer }: Exchange): Answer =>
  recut(
    {
      status: answer.status,
      headers: ['Content-Type', answer.contentType],
      steps: [{ send: bytesOf(answer.body) }],
    },
    [5, 1, 64],
  );

const errorOf = async (run: () => Promise<unknown>): Promise<unknown> => {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error('expected a refusal');
};

/** What each client makes of a refusal with status 403. */
const REFUSALS: Readonly<Record<string, object>> = {
  openai: { name: 'Error', status: 403, code: 'no-rule' },
  anthropic: { status: 403, type: 'permission_error' },
  azure: { name: 'Error', status: 403, code: 'no-rule' },
  cohere: { name: 'ForbiddenError', statusCode: 403 },
  gemini: { name: 'ApiError', status: 403 },
  ollama: { name: 'ResponseError', status_code: 403 },
};

describe.each(SCENARIOS)('$client: $protocol $name', ({ protocol, name, run }) => {
  const exchange = known.get(`${protocol} ${name}`);
  if (exchange === undefined) throw new Error(`${protocol} ${name} has not been recorded`);
  const through = async (who: string): Promise<unknown> =>
    run({ url: `${world.url}/${protocol}`, token: await world.idp.token(who) });

  it('gets the same through the gateway', async () => {
    world.model.always(() => answerOf(exchange));
    const direct = await run({ url: world.model.url, token: 'token' });
    const sent = world.model.requests.at(-1);
    expect(await through('carol')).toEqual(direct);
    const forwarded = world.model.requests.at(-1);
    expect(forwarded?.target).toBe(sent?.target);
    expect(forwarded?.body.equals(sent?.body ?? Buffer.alloc(0))).toBe(true);
  });

  it('gets it masked', async () => {
    world.model.always(() => answerOf(exchange));
    const direct = JSON.stringify(await run({ url: world.model.url, token: 'token' }));
    const masked = JSON.stringify(await through('alice'));
    expect(masked).not.toContain('anna@');
    if (exchange.expect.texts.length > 0) expect(masked.length).not.toBe(direct.length);
  });

  it('reads a refusal as its own error', async () => {
    const error = await errorOf(() => through('ci'));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject(REFUSALS[protocol] ?? {});
    expect(REFUSALS[protocol]).toBeDefined();
    expect(String(error)).toContain('No policy allows this call.');
  });
});
