import { describe, expect, it } from 'vitest';
import { CliError, EXIT } from './exit.ts';
import { createIo } from './io.ts';
import { styled } from './table.ts';

async function* nothing() {}

const spoken = (setting: { terminal?: boolean; env?: Record<string, string> } = {}) => {
  const text = { out: '', err: '' };
  const isTTY = setting.terminal ?? false;
  const ofRun = createIo({
    stdin: nothing(),
    stdout: { isTTY, write: (more) => void (text.out += more) },
    stderr: { isTTY, write: (more) => void (text.err += more) },
    env: setting.env ?? {},
    cwd: '/',
  });
  return { ...ofRun, text };
};

const COLUMNS = [
  { key: 'name', title: 'NAME' },
  { key: 'count', title: 'COUNT', right: true },
];
const row = ({ name, count }: { name: string; count: number }) => ({
  name: styled('green', name),
  count: String(count),
});
const VALUES = [
  { name: 'llm', count: 7 },
  { name: 'embeddings', count: 12 },
];

describe('list', () => {
  it('gives a pipe one line for each, with tabs and without titles', () => {
    const { io, text } = spoken();
    io.list(COLUMNS, VALUES, row, 'none');
    expect(text).toEqual({ out: 'llm\t7\nembeddings\t12\n', err: '' });
  });

  it('gives a terminal an aligned table with titles and colour', () => {
    const { io, text } = spoken({ terminal: true });
    io.list(COLUMNS, VALUES, row, 'none');
    expect(text.out).toBe(
      '\u001B[2mNAME\u001B[0m        \u001B[2mCOUNT\u001B[0m\n' +
        '\u001B[32mllm\u001B[0m             7\n' +
        '\u001B[32membeddings\u001B[0m     12\n',
    );
  });

  it.each([
    ['NO_COLOR is set', { NO_COLOR: '1' }],
    ['the terminal is dumb', { TERM: 'dumb' }],
  ])('keeps the table and drops the colour when %s', (_when, env) => {
    const { io, text } = spoken({ terminal: true, env });
    io.list(COLUMNS, VALUES, row, 'none');
    expect(text.out).toBe('NAME        COUNT\nllm             7\nembeddings     12\n');
  });

  it('keeps colour when NO_COLOR is there but empty, as no-color.org asks', () => {
    const { io, text } = spoken({ terminal: true, env: { NO_COLOR: '' } });
    io.list(COLUMNS, VALUES, row, 'none');
    expect(text.out).toContain('\u001B[32m');
  });

  it('prints the values as one JSON array with --json, also when there are none', () => {
    const { io, useJson, text } = spoken({ terminal: true });
    useJson();
    io.list(COLUMNS, VALUES, row, 'none');
    io.list(COLUMNS, [], row, 'none');
    expect(text).toEqual({ out: `${JSON.stringify(VALUES)}\n[]\n`, err: '' });
  });

  it('tells people on stderr that there is nothing', () => {
    const { io, text } = spoken();
    io.list(COLUMNS, [], row, 'no calls yet');
    expect(text).toEqual({ out: '', err: 'no calls yet\n' });
  });

  it('lets no cell break out of its line or command the terminal', () => {
    for (const terminal of [true, false]) {
      const { io, text } = spoken({ terminal, env: { NO_COLOR: '1' } });
      io.list(COLUMNS, [{ name: 'a\n\u001B]0;pwned\u0007\t\u202Eb', count: 1 }], row, 'none');
      expect(text.out).toContain(String.raw`a\u000a\u001b]0;pwned\u0007\u0009\u202eb`);
    }
  });
});

describe('print', () => {
  it('prints the lines, or the value with --json', () => {
    const plain = spoken();
    plain.io.print({ a: 1 }, ['a is 1', ['b ', styled('red', 'is 2')]]);
    expect(plain.text.out).toBe('a is 1\nb is 2\n');
    const json = spoken();
    json.useJson();
    json.io.print({ a: '\u009B' }, ['a']);
    expect(json.text.out).toBe('{"a":"\\u009b"}\n');
  });
});

describe('fail', () => {
  it('tells one line and a hint, and sets the exit code', () => {
    const { io, text, code } = spoken();
    io.fail(new CliError(EXIT.unreachable, 'cannot reach\nthe gateway', { hint: 'is it started?' }));
    expect(text).toEqual({ out: '', err: 'error: cannot reach\\u000athe gateway\nhint: is it started?\n' });
    expect(code()).toBe(3);
  });

  it('calls an error that nobody foresaw a defect, and keeps its stack to those who ask', () => {
    const { io, text, code } = spoken();
    io.fail(new TypeError('x is not a function'));
    expect(text.err).toMatch(/^error: defect: x is not a function\nhint: please report .*\n$/);
    expect(code()).toBe(70);
    const curious = spoken({ env: { SALLYPORT_DEBUG: '1' } });
    curious.io.fail(new TypeError('x is not a function'));
    expect(curious.text.err).toContain('io.test.ts');
  });
});

describe('progress', () => {
  it('takes one line of a terminal, which the next output replaces', () => {
    const { io, text } = spoken({ terminal: true, env: { NO_COLOR: '1' } });
    io.progress('1 of 2');
    io.progress('2 of 2');
    io.say('done');
    expect(text.err).toBe('\r\u001B[2K1 of 2\r\u001B[2K2 of 2\r\u001B[2Kdone\n');
  });

  it('is silent in a pipe', () => {
    const { io, text } = spoken();
    io.progress('1 of 2');
    expect(text.err).toBe('');
  });
});
