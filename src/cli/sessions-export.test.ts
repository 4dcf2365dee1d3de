import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { completed, durable, opening, openHouse } from '../../test/record/house.ts';
import { decodeBundle } from '../ledger/bundle.ts';
import { parseSigner } from '../ledger/note-key.ts';
import { parseRecordingKey } from '../config/recording-key.ts';

const CHUNK = (text: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;

const SECRET =
  'The merger with Northwind closes on the third of May, and until then\nnobody outside of the board may hear of it, least of all the press.';

let cwd: string;
/** A stream that tells the secret piece by piece, a call that sends part of it, and one that has nothing of it. */
let told: string;
let sent: string;
let other: string;

const run = (...argv: string[]) => sallyport(argv, { cwd });

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-export-'));
  await run('init', '--dir', cwd);
  const key = (name: string): string => readFileSync(join(cwd, 'keys', name), 'utf8');
  const keys = { recording: parseRecordingKey(key('recording.key')), signer: parseSigner(key('ledger.key').trim()) };
  const house = await openHouse({ folder: join(cwd, 'data'), keys });
  const call = async (n: number, question: string, words: readonly string[]): Promise<string> => {
    const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: question }] }));
    const session = house.recorder.open(opening({ at: Date.now() + n, body }));
    await durable(session);
    session.head(200, ['Content-Type', 'text/event-stream']);
    for (const word of words) session.bytes(Buffer.from(CHUNK(word)));
    session.close(completed);
    return session.id;
  };
  told = await call(0, 'what is new?', SECRET.match(/.{1,7}/gsu) ?? []);
  sent = await call(1, `is this true: "${SECRET.slice(0, 75)}"`, ['I cannot ', 'say.']);
  other = await call(2, 'what is new?', ['Nothing', ' at all.']);
  await house.close();
});

describe('sallyport sessions find', () => {
  const find = async (text: string, ...more: string[]) => {
    writeFileSync(join(cwd, 'leak.txt'), text);
    return run('sessions', 'find', '--containing', 'leak.txt', '--json', ...more);
  };

  it('finds who was told a text, though it came in pieces, and who sent a part of it', async () => {
    const { code, stdout } = await find(`  ${SECRET.replaceAll('\n', ' \r\n ')}\n`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { session: sent, caller: 'ada', rule: 'ml-may-chat', matches: [{ where: 'request', pieces: 1, of: 2 }] },
      { session: told, matches: [{ where: 'answer', pieces: 2, of: 2 }] },
    ]);
    expect(other).not.toBe('');
  });

  it('ends with 1 when nobody has it, and is within the times that it is given', async () => {
    expect(await find('Something that nobody has ever said to anybody.')).toMatchObject({ code: 1, stdout: '[]\n' });
    expect(await find(SECRET, '--until', '1h')).toMatchObject({ code: 1, stdout: '[]\n' });
    expect((await find('short')).code).toBe(2);
  });

  it('is itself in the ledger, without the text', async () => {
    await find(SECRET);
    const folder = join(cwd, 'data/ledger/tile/entries/000.p');
    const widest = String(Math.max(...readdirSync(folder).map(Number)));
    const leaves = decodeBundle(readFileSync(join(folder, widest))).map((leaf) => Buffer.from(leaf).toString());
    const searches = leaves.filter((leaf) => leaf.includes('"type":"search"'));
    expect(searches.at(-1)).toMatch(/"sessions":3.*"what":"[0-9a-f]{64}","who":"/);
    expect(leaves.join()).not.toContain('Northwind');
  });
});

describe('sallyport sessions export', () => {
  it('writes HAR 1.2, with the times of the pieces', async () => {
    const { code, stdout } = await run('sessions', 'export', told, other, '--format', 'har');
    expect(code).toBe(0);
    const { log } = JSON.parse(stdout);
    expect(log).toMatchObject({ version: '1.2', creator: { name: 'sallyport' } });
    expect(log.entries).toHaveLength(2);
    expect(log.entries[0]).toMatchObject({
      _session: told,
      request: {
        method: 'POST',
        url: 'http://gateway/llm/v1/chat/completions',
        postData: { mimeType: 'application/json' },
      },
      response: { status: 200, content: { mimeType: 'text/event-stream' } },
    });
    expect(log.entries[0]._chunks.length).toBe(log.entries[0].response.content.text.split('\n\n').length - 1);
    expect(log.entries[0].request.headers).toContainEqual({ name: 'Authorization', value: '(not recorded)' });
    expect(stdout).not.toContain('secret-token');
  });

  it('writes OTLP logs with the names of the conventions for generative AI', async () => {
    const { stdout } = await run('sessions', 'export', told, '--format', 'otlp');
    const [record] = JSON.parse(stdout).resourceLogs[0].scopeLogs[0].logRecords;
    expect(record.timeUnixNano).toMatch(/^\d{19}$/);
    expect(record.attributes).toEqual(
      expect.arrayContaining([
        { key: 'gen_ai.request.model', value: { stringValue: 'tiny' } },
        { key: 'gen_ai.usage.output_tokens', value: { intValue: '3' } },
        { key: 'session.id', value: { stringValue: told } },
      ]),
    );
  });

  it('writes JSON Lines, to a file that was not there', async () => {
    expect((await run('sessions', 'export', told, sent, '-o', 'out.jsonl')).code).toBe(0);
    const lines = readFileSync(join(cwd, 'out.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).id)).toEqual([told, sent]);
    expect((await run('sessions', 'export', told, '-o', 'out.jsonl')).code).toBe(2);
  });
});

describe('sallyport sessions diff', () => {
  it('shows what is not the same', async () => {
    const { stdout } = await run('sessions', 'diff', told, other, '--json');
    const diff = JSON.parse(stdout);
    expect(diff.request.every((line: { in: string }) => line.in === 'both')).toBe(true);
    expect(diff.answer.some((line: { in: string }) => line.in === 'a')).toBe(true);
    const lines = (await run('sessions', 'diff', told, sent)).stdout;
    expect(lines).toMatch(/^\+ is this true: /m);
    expect(lines).toMatch(/^- what is new\?$/m);
  });
});

describe('sallyport sessions replay', () => {
  it('begins where it is told to, by a time or by a text', async () => {
    const at = async (...more: string[]) => (await run('sessions', 'replay', told, '--speed', 'max', ...more)).stdout;
    expect(await at('--from', '1m')).not.toContain('Northwind');
    expect(await at('--from', '0s')).toContain('Northwind');
    expect((await run('sessions', 'replay', told, '--find', 'nobody said this')).code).toBe(1);
    expect(await at('--find', 'outside')).toMatch(/board/);
    expect((await run('sessions', 'replay', told, '--from', 'soon')).code).toBe(2);
  });
});
