import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sallyport } from '../../test/kit/command-line.ts';
import { completed, durable, type House, oneCall, opening, openHouse } from '../../test/record/house.ts';
import { systemClock } from '../clock.ts';
import { parseSigner } from '../ledger/note-key.ts';
import { parseRecordingKey } from '../config/recording-key.ts';
import { lockFolder } from '../store/lock.ts';
import { openIndex } from '../store/sqlite.ts';

const CHUNK = (text: string): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;

let cwd: string;
/** An answered stream, a denied call, a call with control characters, one that is under way. */
let streamed: string;
let denied: string;
let hostile: string;

const openAt = async (folder: string): Promise<House> => {
  const key = (name: string): string => readFileSync(join(folder, 'keys', name), 'utf8');
  const line =
    key('ledger.key')
      .split('\n')
      .find((text) => text.startsWith('PRIVATE')) ?? '';
  const keys = { recording: parseRecordingKey(key('recording.key')), signer: parseSigner(line) };
  return openHouse({ folder: join(folder, 'data'), keys });
};

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'sallyport-sessions-'));
  await sallyport(['init', '--dir', cwd]);
  const house = await openAt(cwd);
  const stream = house.recorder.open(opening());
  await durable(stream);
  stream.head(200, ['Content-Type', 'text/event-stream; charset=utf-8']);
  for (const word of ['Good ', 'morning', '!\n']) stream.bytes(Buffer.from(CHUNK(word)));
  stream.bytes(Buffer.from('data: [DONE]\n\n'));
  stream.close(completed);
  streamed = stream.id;
  const verdict = { ...opening().verdict, effect: 'deny', reason: 'policy-denied', rule: 'no-tools' } as const;
  const refused = house.recorder.open(opening({ at: Date.now() + 5, verdict, model: 'large' }));
  refused.close({ ...completed, reason: 'policy-denied', status: 403, ended: 'refused', usage: null });
  denied = refused.id;
  const evil = Buffer.from('{"text":"\u001B[2Jgone\u0007 \u202Edesrever"}');
  hostile = await oneCall(house.recorder, { at: Date.now() + 10, mono: systemClock.mono(), body: evil });
  await house.close();
});

describe('sallyport sessions list', () => {
  it('lists the newest first, as lines in a pipe', async () => {
    const { code, stdout } = await sallyport(['sessions', 'list'], { cwd });
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([hostile, denied, streamed, '']);
  });

  it.each([
    [['--caller', 'ada'], 3],
    [['--caller', 'https://idp.example.com|ada'], 3],
    [['--caller', 'https://other.example.com|ada'], 0],
    [['--service', 'llm', '--model', 'large'], 1],
    [['--reason', 'policy-denied'], 1],
    [['--reason', 'open'], 0],
    [['--finding', 'email'], 3],
    [['--finding', 'phone', '--service', 'llm'], 3],
    [['--finding', 'iban'], 0],
    [['--approval', 'apr-1'], 0],
    [['--since', '1h'], 3],
    [['--until', '1h'], 0],
    [['--since', '2000-01-01', '--until', '2001-01-01T00:00:00Z'], 0],
    [['--limit', '2'], 2],
  ])('restricts the list by %j', async (options, count) => {
    const { stdout } = await sallyport(['sessions', 'list', '--json', ...options], { cwd });
    expect(JSON.parse(stdout)).toHaveLength(count);
  });

  it('pages on with the cursor that it tells', async () => {
    const { stderr } = await sallyport(['sessions', 'list', '--limit', '2'], { cwd });
    expect(stderr).toBe(`there may be more: --before ${denied}\n`);
    const { stdout } = await sallyport(['sessions', 'list', '--json', '--before', denied], { cwd });
    expect(JSON.parse(stdout)).toMatchObject([{ id: streamed, features: expect.arrayContaining([200]) }]);
  });

  it.each([
    [['--reason', 'tired'], 'there is no reason tired'],
    [['--since', 'yesterday'], 'expected a time, found yesterday'],
    [['--limit', '0'], 'expected a number from 1 to 100000 as --limit, found 0'],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await sallyport(['sessions', 'list', ...options], { cwd });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  });

  it('says how to get an index where there is none', async () => {
    const other = mkdtempSync(join(tmpdir(), 'sallyport-sessions-'));
    await sallyport(['init', '--dir', other]);
    const { code, stderr } = await sallyport(['sessions', 'list'], { cwd: other });
    expect(code).toBe(2);
    expect(stderr).toContain('sallyport reindex');
  });
});

describe('sallyport sessions show', () => {
  it('shows verdict, facts, findings and times, and that the ledger commits to it', async () => {
    const { code, stdout } = await sallyport(['sessions', 'show', denied], { cwd });
    expect(code).toBe(0);
    for (const part of [
      'deny by no-tools',
      'policy-denied (refused), status 403',
      'email 2',
      'ada of https://idp.example.com',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).toContain('every frame is the one that the ledger commits to');
  });

  it('names each feature in --json, and has the bodies on demand', async () => {
    const { stdout } = await sallyport(['sessions', 'show', streamed, '--json', '--bodies'], { cwd });
    const shown = JSON.parse(stdout);
    expect(shown).toMatchObject({
      seal: { kind: 'sealed' },
      features: { request_bytes: 20, status: 200, chunks: 4, tools: 1, texts: 2 },
      ending: { usage: { input: 9, output: 3 } },
    });
    expect(shown.events.map(({ code }: { code: string }) => code).join('')).toBe('ocqhddddx');
  });

  it('lets no control character of a recorded byte reach the terminal', async () => {
    for (const command of [
      ['show', hostile, '--bodies'],
      ['replay', hostile, '--speed', 'max'],
    ]) {
      const { stdout } = await sallyport(['sessions', ...command], { cwd, terminal: true, env: { NO_COLOR: '1' } });
      expect(stdout).toContain('\\u001b[2Jgone\\u0007 \\u202edesrever');
      for (const char of ['\u001B', '\u0007', '\u202E']) expect(stdout).not.toContain(char);
    }
  });

  it('refuses what is no id, and says when there is no such session', async () => {
    const wrong = await sallyport(['sessions', 'show', '../../etc/passwd'], { cwd });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('is no session id') });
    const none = await sallyport(['sessions', 'show', '0'.repeat(26)], { cwd });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no session') });
  });

  it('says when it is not what the ledger commits to, and ends with 1', async () => {
    const index = openIndex(join(cwd, 'data'));
    const exchange = (id: string, other: string): void => {
      const places = index.raw.prepare('SELECT places FROM session WHERE id = ?').get(other)?.['places'];
      index.raw.prepare('UPDATE session SET places = ? WHERE id = ?').run(String(places), id);
    };
    const own = index.raw.prepare('SELECT places FROM session WHERE id = ?').get(denied)?.['places'];
    exchange(denied, hostile);
    const { code, stdout } = await sallyport(['sessions', 'show', denied], { cwd });
    index.raw.prepare('UPDATE session SET places = ? WHERE id = ?').run(String(own), denied);
    await index.close();
    expect(code).toBe(1);
    expect(stdout).toContain('NOT what the ledger commits to: the opening is not that of leaf');
  });

  it('says when its journal was changed so that it does not open, and ends with 1', async () => {
    const folder = join(cwd, 'data', 'journal');
    const file = join(folder, readdirSync(folder)[0] ?? '');
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    changed[700] = changed[700]! ^ 1;
    writeFileSync(file, changed);
    const { code, stderr } = await sallyport(['sessions', 'show', denied], { cwd });
    writeFileSync(file, bytes);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('cannot be read') });
  });
});

describe('sallyport sessions replay', () => {
  it('shows the text of a stream as it grew', async () => {
    const { code, stdout } = await sallyport(['sessions', 'replay', streamed, '--speed', 'max'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain('{"messages":"hello"}');
    expect(stdout).toContain('Good morning!\n');
    expect(stdout).not.toContain('chat.completion.chunk');
  });

  it('takes as long as the call did, twice as long at --speed 0.5, and hardly any time at a high speed', async () => {
    const slow = mkdtempSync(join(tmpdir(), 'sallyport-sessions-'));
    await sallyport(['init', '--dir', slow]);
    const house = await openAt(slow);
    const lasting = async (ms: number): Promise<string> => {
      const session = house.recorder.open(opening({ mono: systemClock.mono() - ms * 1000 }));
      session.bytes(Buffer.from('late'));
      session.close(completed);
      return session.id;
    };
    const [moment, day] = [await lasting(400), await lasting(86_400_000)];
    await house.close();
    const replay = async (id: string, speed: string): Promise<number> => {
      const began = performance.now();
      await sallyport(['sessions', 'replay', id, '--speed', speed], { cwd: slow });
      return performance.now() - began;
    };
    expect(await replay(moment, '1')).toBeGreaterThan(390);
    expect(await replay(moment, '0.5')).toBeGreaterThan(790);
    // a day, which no test would wait for
    expect(await replay(day, '1000000')).toBeGreaterThan(80);
  });

  it('prints the events as lines of JSON with --json', async () => {
    const { stdout } = await sallyport(['sessions', 'replay', streamed, '--json'], { cwd });
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line): { at: number; code: string; text: string } => JSON.parse(line));
    expect(events.map(({ code }) => code).join('')).toBe('ocqhddddx');
    expect(events[4]?.text).toBe(CHUNK('Good '));
    expect(events.every(({ at }, index) => at >= (events[index - 1]?.at ?? 0))).toBe(true);
  });

  it('refuses a speed that is none', async () => {
    const { code, stderr } = await sallyport(['sessions', 'replay', streamed, '--speed', '0'], { cwd });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('expected a speed above 0') });
  });
});

describe('sallyport reindex', () => {
  it('makes the same list again from the journals', async () => {
    const before = (await sallyport(['sessions', 'list', '--json'], { cwd })).stdout;
    for (const name of readdirSync(join(cwd, 'data')).filter((name) => name.startsWith('index.db'))) {
      rmSync(join(cwd, 'data', name));
    }
    const { code, stdout } = await sallyport(['reindex', '--json'], { cwd });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"sessions":3,"problems":[]}\n' });
    expect((await sallyport(['sessions', 'list', '--json'], { cwd })).stdout).toBe(before);
  });

  it('waits for the gateway to be stopped', async () => {
    const lock = lockFolder(join(cwd, 'data'));
    const { code, stderr } = await sallyport(['reindex'], { cwd });
    lock.release();
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('is in use by another sallyport process'),
    });
  });
});
