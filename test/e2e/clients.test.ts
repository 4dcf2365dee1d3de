/** The official clients, unmodified: what they get directly they get through the gateway, masked where a rule says so. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signer } from '../../src/gateway/sigv4.ts';
import { bytesOf, type Exchange, exchanges } from '../protocols/exchange.ts';
import { BEDROCK, BEDROCK_HTTP2 } from '../protocols/scenarios/bedrock.ts';
import type { Scenario } from '../protocols/scenarios/scenario.ts';
import { SCENARIOS } from '../protocols/scenarios/scenarios.ts';
import type { Answer, SeenRequest } from '../support/model-server.ts';
import { recut } from '../support/model-answers.ts';
import { type Places, startWorld, UPSTREAM_KEY, type World } from '../support/world.ts';

const PROTOCOLS = [...new Set(SCENARIOS.map(({ protocol }) => protocol))];

const config = ({ issuer, model }: Places): string => `
listeners: [{ address: 127.0.0.1:0 }]
control: { address: 127.0.0.1:0 }
identity:
  issuers: [{ issuer: ${issuer}, audience: sallyport }]
services:
${PROTOCOLS.map((protocol) => `  - { name: ${protocol}, protocol: ${protocol}, upstream: { url: ${model} } }`).join('\n')}
  - name: signed
    protocol: bedrock
    upstream:
      url: ${model}
      credential:
        aws: { region: us-east-1, access_key_id: { env: UPSTREAM_KEY }, secret_access_key: { env: UPSTREAM_KEY } }
policies:
  - name: ml-may
    when: '"ml" in caller.groups'
    then: allow
  - name: ml-may-look
    when: '"ml" in caller.groups && call.management'
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
      headers: answer.contentType === '' ? [] : ['Content-Type', answer.contentType],
      steps: [{ send: bytesOf(answer.body) }],
    },
    [5, 1, 64],
  );

/** The body, with one boundary for every form: clients make up another one for each. */
const bodyOf = (request: SeenRequest | undefined): string => {
  const boundary = /boundary=(\S+)$/.exec(request?.header('content-type') ?? '')?.[1];
  const body = request?.body.toString('latin1') ?? '';
  return boundary === undefined ? body : body.replaceAll(boundary, 'boundary');
};

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
  bedrock: { name: 'AccessDeniedException' },
  cohere: { name: 'ForbiddenError', statusCode: 403 },
  gemini: { name: 'ApiError', status: 403 },
  ollama: { name: 'ResponseError', status_code: 403 },
  'llama-server': { status: 403 },
  vllm: { status: 403 },
  torchserve: { status: 403 },
  tgi: { name: 'ProviderApiError', httpResponse: { status: 403 } },
};

const exchangeOf = ({ protocol, name }: Scenario): Exchange => {
  const exchange = known.get(`${protocol} ${name}`);
  if (exchange === undefined) throw new Error(`${protocol} ${name} has not been recorded`);
  return exchange;
};

describe.each(SCENARIOS)('$client: $protocol $name', (scenario) => {
  const { protocol, run } = scenario;
  const exchange = exchangeOf(scenario);
  const through = async (who: string): Promise<unknown> =>
    run({ url: `${world.url}/${protocol}`, token: await world.idp.token(who) });

  it('gets the same through the gateway', async () => {
    world.model.always(() => answerOf(exchange));
    const direct = await run({ url: world.model.url, token: 'token' });
    const sent = world.model.requests.at(-1);
    expect(await through('carol')).toEqual(direct);
    const forwarded = world.model.requests.at(-1);
    expect(forwarded?.target).toBe(sent?.target);
    expect(bodyOf(forwarded)).toBe(bodyOf(sent));
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

describe.each(BEDROCK_HTTP2)('$client over HTTP/2: $name', (scenario) => {
  const exchange = exchangeOf(scenario);
  const through = async (who: string): Promise<unknown> =>
    scenario.run({ url: `${world.url}/bedrock`, token: await world.idp.token(who) });

  it('gets the same through the gateway as over HTTP/1.1 without it', async () => {
    world.model.always(() => answerOf(exchange));
    const plain = BEDROCK.find(({ name }) => name === scenario.name)!;
    const direct = await plain.run({ url: world.model.url, token: 'token' });
    const sent = world.model.requests.at(-1);
    expect(await through('carol')).toEqual(direct);
    const forwarded = world.model.requests.at(-1);
    expect(forwarded).not.toBe(sent);
    expect([forwarded?.target, forwarded?.body.toString()]).toEqual([sent?.target, sent?.body.toString()]);
  });

  it('gets it masked', async () => {
    world.model.always(() => answerOf(exchange));
    expect(JSON.stringify(await through('alice'))).not.toContain('anna@');
  });

  it('reads a refusal as its own error', async () => {
    expect(await errorOf(() => through('ci'))).toMatchObject({ name: 'AccessDeniedException' });
  });
});

it('the client of Bedrock speaks HTTP/2 by itself, which a server of HTTP/1.1 does not answer', async () => {
  await errorOf(() => BEDROCK_HTTP2[0]!.run({ url: world.model.url, token: 'token' }));
});

describe('a service that signs for AWS', () => {
  it('signs the body that it forwards, which the caller never signed', async () => {
    const exchange = known.get('bedrock converse')!;
    const scenario = SCENARIOS.find(({ protocol, name }) => protocol === 'bedrock' && name === 'converse')!;
    world.model.always(() => answerOf(exchange));
    await scenario.run({ url: `${world.url}/signed`, token: await world.idp.token('carol') });
    const sent = world.model.requests.at(-1)!;
    const date = sent.header('x-amz-date') ?? '';
    expect(date).toMatch(/^\d{8}T\d{6}Z$/);
    const at = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    const sign = signer(
      {
        region: 'us-east-1',
        service: 'bedrock',
        accessKeyId: UPSTREAM_KEY,
        secretAccessKey: UPSTREAM_KEY,
        sessionToken: '',
      },
      () => at,
    );
    const fields = sign({
      method: sent.method,
      path: sent.target,
      query: '',
      host: sent.header('host') ?? '',
      contentType: sent.header('content-type') ?? '',
      body: sent.body,
    });
    expect(fields).toContain(sent.header('authorization'));
    expect(fields).toContain(sent.header('x-amz-content-sha256'));
    // the model stands in the path once more escaped than it is sent
    expect(sent.target).toContain('%3A');
  });
});
