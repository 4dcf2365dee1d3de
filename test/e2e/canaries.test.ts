/** Evidence without exposure: what was found is told by kind, place, count and keyed digest, and by its value nowhere. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DETECTORS } from '../../src/detect/entities.ts';
import { compileScanner, ENTITIES } from '../../src/detect/scanner.ts';
import { drawFrom, sampleOf } from '../masking/samples.ts';
import { chat, chatStream } from '../support/model-answers.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

/** Shorter ones would be met by chance. */
const LEAST = 9;
const scanner = compileScanner(ENTITIES.map(({ name }) => name));

/** The word that says what a value is. */
const wordOf = new Map<string, string>();

/** Returns one value of every kind that stands by itself, others for every seed. */
const canariesOf = (seed: number): readonly string[] => [
  // ahead of what hides all that follows, such as a key without an end
  `EMP-${100_000 + seed}7`,
  `canary.${seed}.bird@example.com`,
  ...new Set(
    DETECTORS.flatMap((detector, at) => {
      const sample = sampleOf(detector, drawFrom(seed * 1000 + at));
      if (sample === null || sample.length < LEAST || sample.includes('\n')) return [];
      const word = detector.context?.words[0] ?? 'x';
      wordOf.set(sample, word);
      const text = `${word} ${sample} `;
      return scanner.scan(text).some(({ end }) => end >= text.length - 1) ? [sample] : [];
    }),
  ),
];

const channels = [
  'system',
  'user',
  'tool',
  'arguments',
  'metadata',
  'refused',
  'held',
  'blocked',
  'answer',
  'stream',
  'unreadable',
] as const;
type Channel = (typeof channels)[number];
const planted: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  channels.map((channel, at) => [channel, canariesOf(at + 1)]),
);
const text = (channel: Channel): string =>
  (planted[channel] ?? []).map((value) => `${wordOf.get(value) ?? 'x'} ${value} .`).join('\n');

/** What a test caller got that is no answer of the model. */
const refusals: string[] = [];
let world: World;

const post = async (who: string, body: object | string): Promise<Response> =>
  fetch(`${world.url}/llm/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.idp.token(who)}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const refused = async (status: number, body: object | string): Promise<void> => {
  const answer = await post('alice', body);
  refusals.push(`${await answer.text()} ${JSON.stringify([...answer.headers])}`);
  expect(answer.status).toBe(status);
};

const ask = (content: string, more: object = {}): object => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  ...more,
});

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => statSync(name).isFile());

/** Returns the canaries that stand in some bytes, as text in UTF-8 or UTF-16, or in base64. */
const seenIn = (bytes: Buffer, channel: string): readonly string[] =>
  (planted[channel] ?? []).filter(
    (value) =>
      bytes.includes(value) ||
      bytes.includes(Buffer.from(value, 'utf16le')) ||
      bytes.includes(JSON.stringify(value).slice(1, -1)) ||
      bytes.includes(Buffer.from(value).toString('base64').slice(0, -4)),
  );

const everySeenIn = (bytes: Buffer): readonly string[] => channels.flatMap((channel) => seenIn(bytes, channel));

beforeAll(async () => {
  world = await startWorld((places) =>
    usualConfig(
      places,
      String.raw`  - { name: none-out, when: 'call.n == 2', direction: request, entities: [employee], with: block }
  - { name: own, direction: both, entities: [employee], with: hash }
detectors: [{ name: employee, pattern: '\bEMP-\d{6,9}\b' }]
log: { level: debug }
`,
    ),
  );
  world.model.next(chat(text('answer')));
  const answered = await post('alice', {
    model: 'm',
    metadata: { note: text('metadata') },
    messages: [
      { role: 'system', content: text('system') },
      { role: 'user', content: text('user') },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'f', arguments: JSON.stringify({ a: text('arguments') }) } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: text('tool') },
    ],
  });
  expect(answered.status).toBe(200);
  await answered.text();
  world.model.next(chatStream(text('stream').match(/[^]{1,7}/g) ?? []));
  await (await post('alice', ask('hello', { stream: true }))).text();
  const shell = [{ type: 'function', function: { name: 'shell', parameters: {} } }];
  await refused(403, ask(text('refused'), { tools: shell }));
  await refused(403, ask(text('held'), { max_tokens: 9000 }));
  await refused(403, ask(text('blocked'), { n: 2 }));
  await refused(400, JSON.stringify(ask(text('unreadable'))).slice(0, -1));
}, 120_000);
afterAll(() => world.close());

describe('what was found', () => {
  it('was planted in every channel, a value of most kinds in each', () => {
    for (const channel of channels) expect(planted[channel]?.length, channel).toBeGreaterThan(300);
    expect(new Set(Object.values(planted).flat()).size).toBeGreaterThan(3000);
  });

  it('is repeated by no refusal', () => {
    expect(refusals).toHaveLength(4);
    expect(everySeenIn(Buffer.from(refusals.join('\n')))).toEqual([]);
  });

  it('is in no log line and no metric', async () => {
    const metrics = await (await fetch(`${world.control}/metrics`)).text();
    expect(metrics).toMatch(/sallyport_findings_total\{direction="request",kind="email"\} \d+/);
    expect(metrics).toMatch(/sallyport_findings_total\{direction="answer",kind="employee"\} \d+/);
    expect(everySeenIn(Buffer.from(metrics))).toEqual([]);
    expect(world.log().length).toBeGreaterThan(100);
    expect(everySeenIn(Buffer.from(world.log()))).toEqual([]);
  });

  it('is told in the record by kind, place and a digest that only the deployment can make', async () => {
    const value = 'EMP-5550001';
    world.model.next(chat(`It is ${value}.`));
    const answered = await post('alice', ask(`who is ${value}?`));
    const masked = /<EMPLOYEE:([0-9a-f]{16})>/.exec(await answered.text());
    const { stdout } = await world.cli(['sessions', 'show', answered.headers.get('sallyport-session') ?? '', '--json']);
    const { details, ending } = JSON.parse(stdout);
    const digest = masked?.[1];
    expect(details.found).toEqual([{ kind: 'employee', at: '/messages/0/content', digest }]);
    expect(ending.found).toEqual([{ kind: 'employee', at: '', digest }]);
    expect(stdout).not.toContain(value);
  });

  it('is in no list of sessions and approvals', async () => {
    for (const args of [
      ['sessions', 'list', '--json'],
      ['approvals', 'list', '--json'],
      ['ledger', 'verify', '--json'],
    ]) {
      const { stdout, stderr } = await world.cli(args, 'bob');
      expect(`${stdout}${stderr}`.length, args.join(' ')).toBeGreaterThan(10);
      expect(everySeenIn(Buffer.from(stdout + stderr)), args.join(' ')).toEqual([]);
    }
  });

  it('is in no file of the store: not in the index, the ledger, the journals, nor beside them', async () => {
    await world.stopGateway();
    const files = filesIn(join(world.folder, 'data'));
    expect(files.some((name) => /sqlite|\.db/.test(name))).toBe(true);
    expect(files.some((name) => name.includes('ledger'))).toBe(true);
    expect(files.length).toBeGreaterThan(5);
    for (const name of files) expect(everySeenIn(readFileSync(name)), name).toEqual([]);
  });

  it('would be seen if it were there', () => {
    const [canary = ''] = planted['user'] ?? [];
    for (const bytes of [
      canary,
      JSON.stringify({ canary }),
      Buffer.from(canary, 'utf16le'),
      Buffer.from(canary).toString('base64'),
    ])
      expect(everySeenIn(Buffer.from(bytes))).toContain(canary);
  });
});
