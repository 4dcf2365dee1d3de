/** Promise 4 beside the content of an answer: nothing that a mask covers leaves in heads, trailers, words or parts. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/model-server.ts';
import { speak } from '../support/raw-http.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

const MAIL = 'maria@example.com';

let world: World;
let alice: string;
let carol: string;
beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'masking:\n',
      `masking:\n  - { name: no-ips, when: '"blocked" in caller.groups', direction: response, entities: [ipv4], with: block }\n`,
    ),
  );
  [alice, carol] = await Promise.all([world.idp.token('alice'), world.idp.token('carol')]);
});
afterAll(() => world.close());

const ask = async (token: string, lines: readonly string[] = [], method = 'GET'): Promise<string> => {
  const head = [`${method} /any/x HTTP/1.1`, 'Host: gw', `x-api-key: ${token}`, 'Connection: close', ...lines, '', ''];
  const { answers } = await speak(world.url, Buffer.from(head.join('\r\n')), { isHead: method === 'HEAD' });
  return answers.map((answer) => `${answer.head}\r\n\r\n${answer.body}`).join('\r\n');
};

const answers = (status: number, headers: readonly string[], more: Partial<Answer> = {}): Answer => ({
  status,
  headers,
  steps: [],
  ...more,
});

/** `lines`: all but the last field line, that the connection ends. */
const raw = (lines: readonly string[], body = ''): Answer =>
  answers(0, [], { framing: 'raw', steps: [{ send: [...lines, 'Connection: close', '', body].join('\r\n') }] });

/** What the model server says to somebody who may see it, and must not to anybody else. */
const TELLING: readonly { readonly name: string; readonly answer: Answer; readonly method?: string }[] = [
  { name: 'a redirect', answer: answers(302, ['Location', `/x?mail=${MAIL}`, 'Content-Length', '0']) },
  {
    name: 'a redirect, percent-escaped',
    answer: answers(302, ['Location', '/x?mail=maria%40example.com', 'Content-Length', '0']),
  },
  { name: 'a cookie', answer: answers(204, ['Set-Cookie', `mail=${MAIL}`]) },
  { name: 'a field of its own', answer: answers(200, ['X-Found', `<${MAIL}>`, 'Content-Length', '0']) },
  { name: 'a field of an answer without content', answer: answers(304, ['Warning', `199 - "${MAIL}"`]) },
  {
    name: 'a field of an answer to HEAD',
    answer: raw(['HTTP/1.1 200 OK', `X-Found: ${MAIL}`, 'Trailer: X-T', 'Content-Type: text/plain']),
    method: 'HEAD',
  },
  { name: 'a parameter of the content type', answer: answers(200, ['Content-Type', `text/plain; name="${MAIL}"`]) },
  {
    name: 'a trailer',
    answer: answers(200, ['Content-Type', 'text/plain', 'Trailer', 'X-T'], {
      steps: [{ send: 'hi' }],
      trailers: ['X-T', MAIL],
    }),
  },
  { name: 'the words of the status line', answer: raw([`HTTP/1.1 200 ${MAIL}`, 'Content-Length: 0']) },
  {
    name: 'a head ahead of the answer',
    answer: raw(['HTTP/1.1 103 Early', `Link: <mailto:${MAIL}>`, '', 'HTTP/1.1 200 OK', 'Content-Length: 0']),
  },
];

describe('what a model server says beside its content', () => {
  it.each(TELLING)('is masked like the content: $name', async ({ answer, method }) => {
    world.model.next(answer, answer);
    expect(await ask(carol, [], method)).toMatch(/maria(?:@|%40)example\.com/);
    const seen = await ask(alice, [], method);
    expect(seen).toMatch(/^HTTP\/1\.1 [1-3]\d\d /);
    expect(seen).not.toMatch(/maria|example\.com/);
    const session = /sallyport-session: (\w+)/.exec(seen)?.[1] ?? '';
    const recorded = await world.cli(['sessions', 'show', session, '--json'], 'bob');
    expect(recorded.stdout).not.toContain('maria');
  });

  it('blocks the answer where a rule blocks', async () => {
    world.model.next(answers(302, ['Location', 'http://10.1.2.3/x', 'Content-Length', '0']));
    const token = await world.idp.token('alice', { groups: ['ml', 'blocked'] });
    expect(await ask(token)).toMatch(/"reason":"answer-blocked"/);
  });

  it('leaves numbers, dates and everything else as it came', async () => {
    const headers = ['Date', 'Thu, 26 Nov 2026 16:10:17 GMT', 'Age', '4111111111111111', 'X-Request-Id', 'req_01'];
    world.model.next(answers(200, [...headers, 'Content-Type', 'text/plain'], { steps: [{ send: 'hi' }] }));
    const seen = await ask(alice);
    for (let at = 0; at < headers.length; at += 2) expect(seen).toContain(`${headers[at]}: ${headers[at + 1]}\r\n`);
  });

  it('needs no trailers announced where none can follow', async () => {
    const headers = ['Content-Type', 'application/json', 'Trailer', 'X-T'];
    world.model.next(answers(200, headers, { steps: [{ send: `{"a":"${MAIL}"}` }], trailers: ['X-T', MAIL] }));
    expect(await ask(alice)).toMatch(/^HTTP\/1\.1 200 [^]*"<EMAIL>"/);
    world.model.next(raw(['HTTP/1.1 200 OK', 'Trailer: X-T', 'Content-Length: 2'], 'ok'));
    expect(await ask(carol)).toMatch(/^HTTP\/1\.1 200 [^]*ok$/);
  });
});

describe('a part of an answer that is to be masked', () => {
  const text = `my address is ${MAIL} indeed`;

  it('is not asked for', async () => {
    world.model.next((request) => {
      expect(request.header('range')).toBeUndefined();
      expect(request.header('if-range')).toBeUndefined();
      return answers(200, ['Content-Type', 'text/plain'], { steps: [{ send: text }] });
    });
    expect(await ask(alice, ['Range: bytes=0-18', 'If-Range: "x"'])).toContain('my address is <EMAIL> indeed');
  });

  it('does not pass when it comes unasked', async () => {
    const headers = ['Content-Type', 'text/plain', 'Content-Range', `bytes 0-18/${text.length}`];
    world.model.next(answers(206, headers, { steps: [{ send: text.slice(0, 19) }] }));
    const seen = await ask(alice);
    expect(seen).toContain('"reason":"answer-unreadable"');
    expect(seen).not.toContain('maria');
  });

  it('passes to who may see everything', async () => {
    world.model.next((request) => {
      expect(request.header('range')).toBe('bytes=0-18');
      return answers(206, ['Content-Type', 'text/plain'], { steps: [{ send: text.slice(0, 19) }] });
    });
    expect(await ask(carol, ['Range: bytes=0-18'])).toMatch(/^HTTP\/1\.1 206 /);
  });
});

describe('an answer that cannot be read from its first byte on', () => {
  it('breaks off behind the head that the record tells of', async () => {
    const headers = ['Content-Type', 'text/plain', 'X-Kept', 'yes'];
    world.model.next(answers(200, headers, { steps: [{ send: Buffer.from([0xff, 0xfe, 0x68, 0]) }] }));
    const seen = await ask(alice);
    expect(seen).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*X-Kept: yes\r\n/);
    expect(seen).not.toMatch(/\r\n0\r\n/);
    await expect.poll(() => world.log()).toContain('"reason":"answer-unreadable","status":200');
  });
});
