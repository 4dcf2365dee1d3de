import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const ask = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] });

async function post(who: string, path = '/llm/v1/chat/completions', body: string | Buffer = ask) {
  const answer = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': 'application/json' },
    body,
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const reason = ({ text }: { text: string }): unknown => {
  const problem: { readonly reason?: string } = JSON.parse(text);
  return problem.reason;
};

/** Sends bytes as they are and resolves to all that comes back. */
function raw(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(world.url);
    let got = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => void (got += chunk.toString()));
    socket.on('close', () => resolve(got));
    socket.on('error', reject);
    socket.setTimeout(3_000, () => socket.destroy());
  });
}

const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 100) throw new Error('it did not come about');
    await sleep(50);
  }
};

describe('the control port', () => {
  it('tells health, readiness and metrics', async () => {
    await post('alice');
    expect(await (await fetch(`${world.control}/healthz`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${world.control}/readyz`)).json()).toEqual({ status: 'ready' });
    const metrics = await (await fetch(`${world.control}/metrics`)).text();
    expect(metrics).toMatch(/sallyport_calls_total\{service="llm",reason="completed"\} \d+/);
    expect(metrics).toMatch(/sallyport_ledger_leaves_total \d+/);
  });
});

describe('readiness', () => {
  it('says that nobody can be identified while no issuer can be reached', async () => {
    const dark = await startWorld(({ model }) => usualConfig({ issuer: 'http://127.0.0.1:9', model }));
    const answer = await fetch(`${dark.control}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'not ready', missing: ['no keys of any issuer are at hand'] });
    expect((await fetch(`${dark.control}/healthz`)).status).toBe(200);
    await dark.close();
  });
});

describe('the front door', () => {
  it('serves the protected-resource metadata that its challenges name', async () => {
    const refused = await fetch(`${world.url}/llm/v1/models`);
    expect(refused.status).toBe(401);
    const answer = await fetch(`${world.url}/.well-known/oauth-protected-resource`);
    expect(await answer.json()).toMatchObject({
      authorization_servers: [world.idp.issuer],
      bearer_methods_supported: ['header'],
    });
  });

  it.each([
    ['a second host', 'GET /llm/v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['an absolute target', 'GET http://evil.example/llm/v1/models HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a dot segment', 'GET /llm/../any/x HTTP/1.1\r\nHost: a\r\n\r\n'],
    [
      'length and chunked',
      'POST /llm/v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['another coding', 'POST /llm/v1/models HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['HTTP/1.0', 'GET /llm/v1/models HTTP/1.0\r\nHost: a\r\n\r\n'],
    ['a body with GET', 'GET /llm/v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'],
    ['an upgrade', 'GET /llm/v1/models HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('refuses %s with a reason', async (_what, bytes) => {
    const got = await raw(bytes);
    expect(got).toMatch(/^HTTP\/1\.1 400 /);
    expect(got).toContain('"reason":"bad-request"');
  });

  it('refuses a head that is too large', async () => {
    expect(await raw(`GET /llm/v1/models HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 [^]*headers-too-large/,
    );
  });

  it('promise 2: identify comes before the body — a stranger is refused without sending any', async () => {
    const got = await raw('POST /llm/v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
    expect(got).toMatch(/^HTTP\/1\.1 401 [^]*"reason":"no-token"/);
    expect(
      await raw(
        'POST /llm/v1/chat/completions HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n',
      ),
    ).not.toContain('100 Continue');
  });

  it('says go on to an identified caller who asks first', async () => {
    const token = await world.idp.token('alice');
    const status = await new Promise<string>((resolve, reject) => {
      let heard = '';
      const req = request(`${world.url}/llm/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          expect: '100-continue',
          'content-type': 'application/json',
          'content-length': ask.length,
        },
      });
      req.on('continue', () => {
        heard = 'continue ';
        req.end(ask);
      });
      req.on('response', (res) => resolve(`${heard}${res.statusCode}`));
      req.on('error', reject);
      req.flushHeaders();
    });
    expect(status).toBe('continue 200');
  });

  it('refuses a body over the inspection limit, declared or in chunks, and lets the caller read why', async () => {
    const large = Buffer.alloc(17 * 1024 ** 2, 0x20);
    expect(reason(await post('alice', '/llm/v1/chat/completions', large))).toBe('body-too-large');
    const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await world.idp.token('alice')}`, 'content-type': 'application/json' },
      body: new Blob([large]).stream(),
      duplex: 'half',
    }).then(
      (got) => got.status,
      () => 'reset',
    );
    expect([413, 'reset']).toContain(answer);
  });

  it('passes an opaque body only where the service says so', async () => {
    expect(reason(await post('alice', '/any/predict', Buffer.from([1, 2, 3])))).toBe('body-unreadable');
    world.model.next(chat('x'));
    const { status } = await post('carol', '/opaque/predict', Buffer.from([1, 2, 3]));
    expect(status).toBe(200);
    expect(world.model.requests.at(-1)?.body).toEqual(Buffer.from([1, 2, 3]));
  });

  it('says which upstream trouble there is', async () => {
    world.model.next({ ...chat('x'), steps: [{ cut: true }] });
    expect([502, 200]).toContain((await post('carol').catch(() => ({ status: 502 }))).status);
    world.configure(usualConfig({ issuer: world.idp.issuer, model: 'http://127.0.0.1:9' }));
    await until(async () => reason(await post('carol')) === 'upstream-unreachable');
    world.configure(usualConfig({ issuer: world.idp.issuer, model: world.model.url }));
    await until(async () => (await post('carol')).status === 200);
  });
});

describe('a config that changes', () => {
  it('is in force within a moment, and a bad one changes nothing and says so', async () => {
    const config = (more: string) =>
      usualConfig({ issuer: world.idp.issuer, model: world.model.url }).replace('masking:', `${more}\nmasking:`);
    expect((await post('carol')).status).toBe(200);
    world.configure(config('  - { name: no-carol, when: \'caller.subject == "carol"\', then: deny }'));
    await until(async () => reason(await post('carol')) === 'policy-denied');
    world.configure(config('  - { name: broken, when: \'caller.subjekt == "carol"\', then: deny }'));
    await until(() => world.log().includes('the new config cannot be used'));
    expect(world.log()).toContain('subjekt');
    expect(reason(await post('carol'))).toBe('policy-denied');
    world.configure(config(''));
    await until(async () => (await post('carol')).status === 200);
  });
});

describe('a gateway that is told to stop', () => {
  it('lets a stream under way end, takes no new calls, and starts again with everything sealed', async () => {
    const { promise: hold, resolve: release } = Promise.withResolvers<void>();
    const [first, second, ...rest] = chatStream(['One. ', 'two.']).steps;
    world.model.next({ ...chatStream([]), steps: [first!, second!, { until: hold }, ...rest] });
    const answer = await fetch(`${world.url}/llm/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await world.idp.token('carol')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', stream: true, messages: [] }),
    });
    const stopped = world.stopGateway('SIGTERM');
    await until(() =>
      fetch(`${world.url}/llm/v1/models`).then(
        () => false,
        () => true,
      ),
    );
    release();
    expect(await answer.text()).toContain('[DONE]');
    expect(await stopped).toBe(0);
    await world.startGateway();
    expect((await post('carol')).status).toBe(200);
  });
});
