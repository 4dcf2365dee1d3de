import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { createAuthority } from '../../test/support/certificates.ts';

/** Returns a folder as `sallyport init` leaves it, with `change` made to its config. */
const folder = async (change: (config: string) => string = (config) => config): Promise<string> => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-check-'));
  await sallyport(['init', '--dir', dir]);
  const file = join(dir, 'sallyport.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  return dir;
};

const check = async (cwd: string, ...more: string[]) => {
  const { code, stdout, stderr } = await sallyport(['check', '--json', ...more], { cwd });
  const findings: { check: string; result: string; detail: string }[] = JSON.parse(stdout);
  return { code, stderr, findings, problems: findings.filter(({ result }) => result !== 'ok') };
};

/** Starts an issuer on this machine and returns its URL. */
const issuer = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
};

describe('sallyport check', () => {
  it('finds nothing wrong with what sallyport init wrote', async () => {
    const { code, problems, findings } = await check(await folder());
    expect(problems).toEqual([]);
    expect(findings.map(({ check }) => check)).toContain('ledger key');
    expect(code).toBe(0);
  });

  it('tells every problem of the file with its place, and ends with 1', async () => {
    const dir = await folder();
    appendFileSync(join(dir, 'sallyport.yaml'), 'polices: []\nworkers: two\n');
    const { code, problems } = await check(dir);
    expect(code).toBe(1);
    expect(problems.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/sallyport\.yaml:\d+:1: polices: unknown key; did you mean "policies"\?$/),
      expect.stringMatching(/sallyport\.yaml:\d+:10: workers: expected a number, found "two"$/),
    ]);
  });

  it('compiles the policies, and tells what is wrong with each at its place', async () => {
    const dir = await folder((config) =>
      config.replace('"ml" in caller.groups', '"ml" in caller.gruops').replace('call.input_tokens > 50000', '1 +'),
    );
    const { code, problems } = await check(dir);
    expect(code).toBe(1);
    expect(problems).toEqual([
      {
        check: 'policies',
        result: 'problem',
        detail: expect.stringMatching(
          /sallyport\.yaml:\d+:11: policies\[0\]\.when: .*gruops.*groups.* \(at column \d+/,
        ),
      },
      { check: 'policies', result: 'problem', detail: expect.stringContaining('policies[2].when: ') },
    ]);
  });

  it('names an entity that no detector knows, with its line', async () => {
    const { code, problems } = await check(await folder((config) => config.replace('[email,', '[emial,')));
    expect(code).toBe(1);
    expect(problems).toEqual([
      { check: 'config', result: 'problem', detail: expect.stringMatching(/:\d+:\d+: .*emial.*email/) },
    ]);
  });

  it.each([
    ['recording key', 'recording.key'],
    ['ledger key', 'ledger.key'],
  ])('misses a %s that is not there, and does not take another kind of key for one', async (what, name) => {
    const dir = await folder();
    const key = join(dir, 'keys', name);
    writeFileSync(key, 'AGE-SECRET-KEY-1QQQQ');
    const wrong = await check(dir);
    expect(wrong.problems).toEqual([{ check: what, result: 'problem', detail: expect.not.stringContaining('1QQQQ') }]);
    rmSync(key);
    expect((await check(dir)).problems).toMatchObject([{ check: what, detail: expect.stringContaining('ENOENT') }]);
  });

  it('warns of a key that everybody may read, without calling it a problem', async () => {
    const dir = await folder();
    chmodSync(join(dir, 'keys/recording.key'), 0o644);
    const { code, problems } = await check(dir);
    expect(code).toBe(0);
    expect(problems).toMatchObject([{ check: 'recording key', result: 'warning' }]);
  });

  it('tells of a certificate that is not for its key', async () => {
    const dir = await folder((config) =>
      config.replace(
        /listeners:\n\s+- address: (\S+)/,
        (found) => `${found}\n    tls: { cert: { file: c.pem }, key: { file: k.pem } }`,
      ),
    );
    const authority = createAuthority();
    const [one, other] = [authority.issue('one'), authority.issue('other')];
    writeFileSync(join(dir, 'c.pem'), one.cert);
    writeFileSync(join(dir, 'k.pem'), one.key, { mode: 0o600 });
    expect((await check(dir)).problems).toEqual([]);
    writeFileSync(join(dir, 'k.pem'), other.key);
    const { code, problems } = await check(dir);
    expect(problems).toEqual([
      {
        check: 'certificates',
        result: 'problem',
        detail: 'listeners[0].tls.key: expected the private key of the certificate',
      },
    ]);
    expect(code).toBe(1);
  });

  it('misses an upstream credential that is not in the environment', async () => {
    const dir = await folder((config) => config.replace('# credential:', 'credential:'));
    const { problems } = await check(dir);
    expect(problems).toMatchObject([{ detail: expect.stringMatching(/^llm: .*UPSTREAM_KEY, it is not set$/) }]);
    const { code } = await sallyport(['check'], { cwd: dir, env: { UPSTREAM_KEY: 'x' } });
    expect(code).toBe(0);
  });

  it('asks issuers for their keys only with --online', async () => {
    const asked: string[] = [];
    const url = await issuer((request, response) => {
      asked.push(request.url ?? '');
      response.statusCode = 503;
      response.end();
    });
    const dir = await folder((config) => config.replace('https://idp.example.com', url));
    expect((await check(dir)).code).toBe(0);
    expect(asked).toEqual([]);
    const { code, problems } = await check(dir, '--online');
    expect(asked).toEqual(['/.well-known/openid-configuration']);
    expect(code).toBe(1);
    expect(problems).toMatchObject([{ check: `issuer ${url}`, detail: expect.stringContaining('503') }]);
  });

  it('says of an issuer without a usable key that it has none', async () => {
    const documents = new Map<string, unknown>();
    const url = await issuer((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(documents.get(request.url ?? '')));
    });
    documents.set('/.well-known/openid-configuration', { issuer: url, jwks_uri: `${url}/keys` });
    documents.set('/keys', { keys: [] });
    const dir = await folder((config) => config.replace('https://idp.example.com', url));
    expect((await check(dir, '--online')).problems).toMatchObject([{ detail: expect.stringContaining('no key') }]);
  });

  it('gives people a table', async () => {
    const dir = await folder();
    const { stdout } = await sallyport(['check'], { cwd: dir, terminal: true, env: { NO_COLOR: '1' } });
    expect(stdout).toMatch(/^RESULT {2}CHECK +DETAIL\nok {6}config\n/);
  });

  it('reads how the shared store is reached, and asks it only with --online', async () => {
    const url = await issuer((_request, response) => response.end());
    const dir = await folder((config) =>
      config
        .replace('https://idp.example.com', url)
        .replace(/^store:$/m, 'store:\n  postgres: { url: { file: database } }'),
    );
    expect((await check(dir)).problems).toMatchObject([
      { check: 'shared store', detail: expect.stringContaining('store.postgres.url: expected a secret in') },
    ]);
    // port 1 is nobody's
    writeFileSync(join(dir, 'database'), 'postgres://gate:secret-5f1c@127.0.0.1:1/limits', { mode: 0o600 });
    expect((await check(dir)).problems).toEqual([]);
    const { code, problems, stderr } = await check(dir, '--online');
    expect(code).toBe(1);
    expect(problems).toContainEqual({
      check: 'database',
      result: 'problem',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect(JSON.stringify(problems) + stderr).not.toContain('secret-5f1c');
  });
});
