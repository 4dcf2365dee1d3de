import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { ALICE, approving, CALL, DIGEST, IDP } from '../../test/support/approving.ts';
import type { Caller } from '../call.ts';
import { apiRoutes } from '../control/api.ts';
import { openControl } from '../control/server.ts';

const caller = (subject: string, groups: readonly string[]): Caller => ({
  issuer: IDP,
  subject,
  kind: 'human',
  groups,
  claims: {},
  expiresAt: 2 ** 40,
});

/** Who has which token; tokens themselves are identify's business. */
const TOKENS: Readonly<Record<string, Caller>> = {
  'Bearer alice': caller('alice', []),
  'Bearer bob': caller('bob', ['leads']),
  'Bearer erin': caller('erin', ['leads']),
  'Bearer zoe': caller('zoe', []),
};

/** A control port over real approvals, and the command line as one of the people. */
const controlled = async () => {
  const desk = approving();
  const control = await openControl(
    { host: '127.0.0.1', port: 0 },
    {
      health: { missing: () => Promise.resolve([]), notes: () => [], metrics: () => Promise.resolve('') },
      api: apiRoutes({
        approvals: desk.approvals,
        identify({ rawHeaders }) {
          const found = TOKENS[rawHeaders[rawHeaders.indexOf('authorization') + 1] ?? ''];
          if (found === undefined)
            return { kind: 'refused', reason: 'no-token', why: 'there is none', challenge: 'Bearer' };
          return { kind: 'caller', caller: found, token: new Uint8Array(32) };
        },
      }),
    },
  );
  onTestFinished(() => control.close());
  const url = `http://127.0.0.1:${control.port}`;
  const as = (who: string, ...argv: string[]) => ({
    run: (setting: { terminal?: boolean; stdin?: string } = {}) =>
      sallyport(['approvals', ...argv], { env: { SALLYPORT_URL: url, SALLYPORT_TOKEN: who }, ...setting }),
  });
  return { ...desk, url, as };
};

const BODY = Buffer.from('{"model":"m","messages":[{"role":"user","content":"wipe\\u200b it"}]}');

describe('sallyport approvals list', () => {
  it('lists what waits, for those who may decide or who ask', async () => {
    const { ask, as } = await controlled();
    const { id } = await ask();
    const { code, stdout } = await as('bob', 'list').run();
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `${id}\tpending\talice\tllm\tm\tbig\t0/1\t1970-01-01T00:17:40Z\n`,
    });
    expect((await as('alice', 'list').run()).stdout).toContain(id);
    expect(await as('zoe', 'list').run()).toEqual({ code: 0, stdout: '', stderr: 'no approval is pending\n' });
  });

  it('lists one state or all, as JSON too', async () => {
    const { ask, vote, as } = await controlled();
    const asked = await ask();
    await vote(
      asked,
      { issuer: IDP, subject: 'erin', kind: 'human', groups: ['leads'], expiresAt: 2_000_000_000 },
      { decision: 'deny' },
    );
    expect((await as('bob', 'list').run()).stdout).toBe('');
    const { stdout } = await as('bob', 'list', '--state', 'all', '--json').run();
    expect(JSON.parse(stdout)).toMatchObject([{ id: asked.id, state: 'denied', votes: [{ subject: 'erin' }] }]);
    expect((await as('bob', 'list', '--state', 'denied').run()).stdout).toContain('denied');
    expect((await as('bob', 'list', '--state', 'lost').run()).code).toBe(2);
  });
});

describe('sallyport approvals show', () => {
  it('shows who asks, the rule, and the bytes that would be sent, with nothing hidden in them', async () => {
    const { ask, as } = await controlled();
    const asked = await ask({ body: Buffer.from('{"secret":"x"}'), forwarded: BODY, message: 'Big jobs need a lead.' });
    const { code, stdout } = await as('bob', 'show', asked.id).run();
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      `approval      ${asked.id}`,
      'state         pending',
      `caller        alice (${IDP})`,
      'call          llm · chat · m',
      'held by       big: Big jobs need a lead.',
      `may approve   1 of group:${IDP}|leads, subject:${IDP}|carol`,
      'asked         1970-01-01T00:16:40Z',
      'decide until  1970-01-01T00:17:40Z',
      `digest        ${asked.digest}`,
      '',
      'model: "m"',
      'messages[0].role: "user"',
      'messages[0].content: "wipe⟨U+200B⟩ it"',
      '1 characters that cannot be seen or that deceive are shown as ⟨U+…⟩',
      '',
    ]);
  });

  it('says when not everything is shown, and shows it in full', async () => {
    const { ask, as } = await controlled();
    const { id } = await ask({ body: Buffer.from(JSON.stringify({ content: 'x'.repeat(5000) })) });
    const { stdout, stderr } = await as('bob', 'show', id).run();
    expect(stdout).toContain('⟨1000 more characters⟩');
    expect(stderr).toBe('not everything is shown; --full shows it\n');
    const full = await as('bob', 'show', id, '--full').run();
    expect(full.stdout).toContain('x'.repeat(5000));
    expect(full.stderr).toBe('');
  });

  it('knows no approval of others', async () => {
    const { ask, as } = await controlled();
    const { id } = await ask();
    for (const asked of [id, 'ap-none', '../../healthz']) {
      expect(await as('zoe', 'show', asked).run()).toEqual({
        code: 4,
        stdout: '',
        stderr: 'error: There is no such approval.\n',
      });
    }
  });
});

describe('sallyport approvals approve', () => {
  it('shows the call and approves when the answer is yes', async () => {
    const { ask, approvals, as } = await controlled();
    const { id } = await ask({ body: BODY });
    const { code, stdout, stderr } = await as('bob', 'approve', id, '--reason', 'fine').run({
      terminal: true,
      stdin: 'yes\n',
    });
    expect(code).toBe(0);
    expect(stderr).toContain('wipe⟨U+200B⟩ it');
    expect(stdout).toContain('1/1 votes');
    expect(await approvals.get(id)).toMatchObject({ state: 'approved', votes: [{ subject: 'bob', reason: 'fine' }] });
  });

  it.each(['', 'y\n', 'no\n', 'YES\n'])('approves nothing when the answer is %j', async (stdin) => {
    const { ask, approvals, as } = await controlled();
    const { id } = await ask();
    const { code, stderr } = await as('bob', 'approve', id).run({ terminal: true, stdin });
    expect(code).toBe(1);
    expect(stderr).toContain('not approved');
    expect(await approvals.get(id)).toMatchObject({ state: 'pending', votes: [] });
  });

  it('approves without asking with --yes, and not at all where nobody can be asked', async () => {
    const { ask, approvals, as } = await controlled();
    const { id } = await ask();
    expect(await as('bob', 'approve', id).run()).toMatchObject({ code: 2 });
    expect(await approvals.get(id)).toMatchObject({ state: 'pending' });
    const { code, stdout } = await as('bob', 'approve', id, '--yes', '--json').run();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, state: 'approved' });
  });

  it('says that not everything was shown', async () => {
    const { ask, as } = await controlled();
    const { id } = await ask({ body: Buffer.from(JSON.stringify({ content: 'x'.repeat(5000) })) });
    const run = (...more: string[]) => as('bob', 'approve', id, ...more).run({ terminal: true, stdin: 'no\n' });
    expect((await run()).stderr).toContain('You do not see everything');
    expect((await run('--full')).stderr).not.toContain('You do not see everything');
  });

  it('does not count when the gateway does not let this person decide', async () => {
    const { ask, as } = await controlled();
    const { id } = await ask();
    expect(await as('alice', 'approve', id, '--yes').run()).toEqual({
      code: 4,
      stdout: '',
      stderr: 'error: Nobody approves what they ask for themselves.\n',
    });
  });
});

describe('sallyport approvals deny and revoke', () => {
  it('denies', async () => {
    const { ask, approvals, as } = await controlled();
    const { id } = await ask();
    expect(await as('bob', 'deny', id, '--reason', 'too big').run()).toMatchObject({
      code: 0,
      stdout: `${id} is denied, 0/1 votes\n`,
    });
    expect(await approvals.get(id)).toMatchObject({ votes: [{ decision: 'deny', reason: 'too big' }] });
  });

  it('revokes before the use and not after it', async () => {
    const { ask, approvals, claim, as } = await controlled();
    const first = await ask();
    await as('bob', 'approve', first.id, '--yes').run();
    expect(await as('erin', 'revoke', first.id, '--reason', 'wrong one').run()).toMatchObject({ code: 0 });
    expect(await approvals.get(first.id)).toMatchObject({ state: 'revoked', revoked: { reason: 'wrong one' } });
    expect((await as('bob', 'show', first.id).run()).stdout).toContain(`revoked by    erin (${IDP}): wrong one`);
    const second = await ask();
    await as('bob', 'approve', second.id, '--yes').run();
    await claim(second.id, { caller: ALICE, digest: DIGEST, call: CALL });
    expect(await as('bob', 'revoke', second.id).run()).toEqual({
      code: 4,
      stdout: '',
      stderr: 'error: The approval is no longer open.\n',
    });
  });
});

describe('the way to the gateway', () => {
  const list = (argv: readonly string[], env: Record<string, string> = {}) =>
    sallyport(['approvals', 'list', ...argv], { env });

  it('needs a token: from a file, an option or the environment', async () => {
    const { url } = await controlled();
    const file = join(mkdtempSync(join(tmpdir(), 'sallyport-token-')), 'token');
    writeFileSync(file, 'bob\n');
    expect(await list(['--url', url])).toMatchObject({ code: 2, stderr: expect.stringContaining('error: no token') });
    expect(await list(['--url', url, '--token', 'bob'])).toMatchObject({ code: 0 });
    expect(await list(['--url', url, '--token-file', file], { SALLYPORT_TOKEN: 'nobody' })).toMatchObject({ code: 0 });
    expect(await list(['--url', url, '--token-file', `${file}s`])).toMatchObject({ code: 2 });
    expect(await list(['--url', url, '--token-file', file, '--token', 'bob'])).toMatchObject({ code: 2 });
    expect(await list(['--url', url, '--token', 'two words'])).toMatchObject({ code: 2 });
  });

  it('says that a token is not good', async () => {
    const { url } = await controlled();
    const { code, stderr } = await list(['--url', url, '--token', 'nobody']);
    expect(code).toBe(4);
    expect(stderr).toBe('error: A bearer token is required.\nhint: get a new token from your identity provider\n');
  });

  it('sends no token over a network in the clear, and to nothing that is no URL', async () => {
    const http = await list(['--url', 'http://gateway.example:8081', '--token', 'bob']);
    expect(http).toMatchObject({ code: 2, stderr: expect.stringContaining('not sent over http to gateway.example') });
    expect(await list(['--url', 'gateway', '--token', 'bob'])).toMatchObject({ code: 2 });
    expect(await list(['--url', 'file:///etc/passwd', '--token', 'bob'])).toMatchObject({ code: 2 });
  });

  it('says that nobody answers there, or something else does', async () => {
    expect(await list(['--url', 'http://127.0.0.1:1', '--token', 'bob'])).toMatchObject({ code: 3 });
    let asked = '';
    const other = createServer((req, res) => {
      asked = req.url ?? '';
      if (req.url?.startsWith('/moved')) res.writeHead(302, { location: '/api/v1/approvals' }).end();
      else res.end('{"hello":"world"}');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const strange = await list(['--url', `http://127.0.0.1:${port}/base`, '--token', 'bob']);
    expect(strange).toMatchObject({ code: 4, stderr: expect.stringContaining('did not answer as a gateway') });
    expect(asked).toBe('/base/api/v1/approvals?state=pending');
    expect(await list(['--url', `http://127.0.0.1:${port}/moved`, '--token', 'bob'])).toMatchObject({ code: 3 });
  });
});
