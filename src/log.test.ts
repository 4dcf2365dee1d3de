import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLog, prettyLine } from './log.ts';

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';

const logged = (write: (log: ReturnType<typeof createLog>) => void): readonly string[] => {
  const lines: string[] = [];
  write(createLog({ level: 'info', thread: 'main', write: (line) => void lines.push(line) }));
  return lines;
};

const loggedFacts = (facts: Record<string, unknown>): Record<string, unknown> =>
  JSON.parse(logged((log) => log.info(facts, 'a call ended')).join(''));

describe('the log', () => {
  it('writes one JSON object a line, with time, level, thread, facts and message', () => {
    const [line = ''] = logged((log) => log.child({ service: 'llm' }).warn({ status: 502 }, 'the upstream broke off'));
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      thread: 'main',
      service: 'llm',
      status: 502,
      msg: 'the upstream broke off',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('leaves out what is below its level', () => {
    expect(logged((log) => log.debug({}, 'x'))).toEqual([]);
  });

  it('writes errors out with their reason and cause', () => {
    const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { reason: 'internal' });
    expect(loggedFacts({ err: error })['err']).toMatchObject({
      message: 'outer',
      reason: 'internal',
      stack: expect.stringContaining('log.test.ts'),
      cause: { type: 'TypeError', message: 'inner' },
    });
  });

  it.each([
    ['under its name', { authorization: 'opaque-secret' }],
    ['under its name in another spelling', { 'X-Api-Key': 'opaque-secret' }],
    ['deep inside', { request: { headers: { Cookie: 'opaque-secret' } } }],
    ['behind its name in field lines', { rawHeaders: ['accept', '*/*', 'Authorization', 'opaque-secret'] }],
    ['as the value of many', { 'set-cookie': ['opaque-secret', 'b=opaque-secret'] }],
    ['as bytes', { note: Buffer.from('opaque-secret') }],
    ['after its scheme', { note: 'sent Bearer opaque-secret' }],
    ['in a URL', { url: 'https://user:opaque-secret@host/' }],
    ['as a vendor key', { note: 'key sk-opaque-secret-0123456789' }],
    ['in the message of an error', { err: new Error('cannot send Bearer opaque-secret') }],
    ['in the cause of an error', { err: new Error('x', { cause: { token: 'opaque-secret' } }) }],
  ])('promise 8: keeps a secret out that stands %s', (_where, facts) => {
    expect(JSON.stringify(loggedFacts(facts))).not.toContain('opaque-secret');
  });

  it('promise 8: keeps JWTs out wherever they stand', () => {
    const lines = logged((log) => log.child({ note: `x ${JWT}` }).info({ list: [{ a: JWT }] }, `got ${JWT}`));
    expect(lines.join('')).not.toContain('eyJ');
    expect(lines.join('')).toContain('got [redacted]');
  });

  it('keeps what only sounds like a secret', () => {
    const facts = { tokens: 12, max_tokens: 5, token_type: 'at+jwt', kid: 'k1', keys: 3, cookie: true, key: null };
    expect(loggedFacts(facts)).toMatchObject(facts);
  });

  it('does not follow a fact that holds itself for ever', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(JSON.stringify(loggedFacts(loop))).toContain('[deep]');
  });
});

describe('prettyLine', () => {
  it('shows time, level, message and facts to people', () => {
    const [line = ''] = logged((log) => log.error({ service: 'llm', status: 502 }, 'it broke'));
    expect(stripVTControlCharacters(prettyLine(line))).toMatch(
      /^[\d:.]{12} ERROR it broke service=llm status=502 main\n$/,
    );
  });

  it('lets no text from outside reach the terminal as a command', () => {
    const [line = ''] = logged((log) => log.info({ path: '/\u009B2J\u001B]0;x\u0007' }, 'a call ended'));
    expect(prettyLine(line)).toContain('/\\u009b2J\\u001b]0;x\\u0007');
  });
});
