/** Certificates and keys that are replaced while the gateway runs: new connections meet them, open ones go on. */

import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { chatStream } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

const authority = createAuthority();

let world: World;
let token = '';
beforeAll(async () => {
  const first = authority.issue('first.test');
  world = await startWorld(
    (places) =>
      `workers: 2\n${usualConfig(places)
        .replace(
          '{ address: 127.0.0.1:0 }',
          '{ address: 127.0.0.1:0, tls: { cert: { file: tls/cert.pem }, key: { file: tls/key.pem } } }',
        )
        .replace('{ env: UPSTREAM_KEY }', '{ file: upstream.key }')}`,
    (folder) => {
      writeFileSync(join(folder, 'upstream.key'), 'first-key-4711', { mode: 0o600 });
      mkdirSync(join(folder, 'tls'));
      writeFileSync(join(folder, 'tls/cert.pem'), first.cert);
      writeFileSync(join(folder, 'tls/key.pem'), first.key, { mode: 0o600 });
    },
  );
  token = await world.idp.token('carol');
});
afterAll(() => world.close());

/** Replaces a file as certificate tools do. */
function replace(name: string, content: string): void {
  const path = join(world.folder, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const origin = (): string => world.url.replace('http:', 'https:');

/** The name in the certificate that a new connection meets. */
async function nameMet(): Promise<string> {
  const socket = connectTls({ port: Number(new URL(world.url).port), host: '127.0.0.1', ca: authority.cert });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

/** The names that many new connections meet: every worker has its share of them. */
const namesMet = async (): Promise<ReadonlySet<string>> =>
  new Set(await Promise.all(Array.from({ length: 20 }, nameMet)));

const ask = (session: ClientHttp2Session) => {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/llm/v1/chat/completions',
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  });
  stream.end('{"model":"m","stream":true,"messages":[]}');
  return stream;
};

const reloads = (): number => world.log().split('config reloaded').length - 1;

it('new connections meet a new certificate in every worker, and a stream under way goes on', async () => {
  const { promise: hold, resolve: release } = Promise.withResolvers<void>();
  const [head, piece, ...rest] = chatStream(['One. ', 'two.']).steps;
  world.model.next({ ...chatStream([]), steps: [head!, piece!, { until: hold }, ...rest] });
  const session = connectHttp2(origin(), { ca: authority.cert });
  const stream = ask(session);
  await once(stream, 'response');
  expect(await namesMet()).toEqual(new Set(['first.test']));

  const second = authority.issue('second.test');
  replace('tls/key.pem', second.key);
  replace('tls/cert.pem', second.cert);
  await expect.poll(namesMet, { timeout: 10_000 }).toEqual(new Set(['second.test']));

  release();
  expect(await text(stream)).toContain('two.');
  // and the connection takes further calls
  world.model.next(chatStream(['Three.']));
  expect(await text(ask(session))).toContain('Three.');
  session.destroy();
});

it("a key that is not the certificate's changes nothing and says where it stands; the signal asks again", async () => {
  replace('tls/key.pem', authority.issue('third.test').key);
  await expect.poll(() => world.log(), { timeout: 10_000 }).toContain('listeners[0].tls.key: expected the private key');
  expect(await namesMet()).toEqual(new Set(['second.test']));
  const third = authority.issue('third.test');
  replace('tls/key.pem', third.key);
  replace('tls/cert.pem', third.cert);
  await expect.poll(namesMet, { timeout: 10_000 }).toEqual(new Set(['third.test']));
});

it('an upstream credential that is replaced goes upstream, and the old one does not any more', async () => {
  const before = reloads();
  replace('upstream.key', 'second-key-4712');
  await expect.poll(reloads, { timeout: 10_000 }).toBeGreaterThan(before);
  world.model.next(chatStream(['x']));
  const session = connectHttp2(origin(), { ca: authority.cert });
  const seen = world.model.requests.length;
  await text(ask(session));
  session.destroy();
  expect((await world.model.seen(seen)).header('authorization')).toBe('Bearer second-key-4712');
});
