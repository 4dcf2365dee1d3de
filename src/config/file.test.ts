import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from './file.ts';

const GOLDEN = new URL('../../test/golden/config/', import.meta.url);

const SMALLEST = `identity:
  issuers:
    - issuer: https://idp.example.com
      audience: sallyport
services:
  - name: llm
    protocol: openai
    upstream: { url: http://127.0.0.1:11434 }
`;

const read = (name: string): string => readFileSync(new URL(name, GOLDEN), 'utf8');

const messageOf = (text: string, file = 'sallyport.yaml'): string => {
  try {
    parseConfig(text, file);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
};

const inTemp = (bytes: string | Uint8Array): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'sallyport-')), 'sallyport.yaml');
  writeFileSync(file, bytes);
  return file;
};

const cases = readdirSync(GOLDEN).filter((name) => name.endsWith('.yaml'));

describe('who may approve', () => {
  const byOf = (issuers: string, by: string): readonly string[] => {
    const { config } = parseConfig(
      `identity: { issuers: [${issuers}] }
services: [{ name: llm, protocol: openai, upstream: { url: http://127.0.0.1:1 } }]
policies: [{ name: ask, when: 'true', then: { approve: { by: ${by} } } }]`,
      'x.yaml',
    );
    return config.policies.flatMap(({ then }) => (typeof then === 'object' ? then.approve.by : []));
  };
  const PEOPLE = '{ issuer: https://idp.example.com, audience: a }';
  const PIPELINES = '{ issuer: https://ci.example.com, audience: a, kind: workload }';

  it('is a group of the only issuer that speaks for people, where none is named', () => {
    expect(byOf(`${PIPELINES}, ${PEOPLE}`, '["group:leads", "group:a|b"]')).toEqual([
      'group:https://idp.example.com|leads',
      'group:https://idp.example.com|a|b',
    ]);
  });

  it('is what it says where it names an issuer', () => {
    const by = ['group:https://idp.example.com|leads', 'subject:https://idp.example.com|carol'];
    expect(byOf(PEOPLE, JSON.stringify(by))).toEqual(by);
  });

  it('is nobody where every issuer speaks for workloads', () => {
    expect(() => byOf(PIPELINES, '["group:leads"]')).toThrow('nobody can approve');
  });
});

describe('config errors', () => {
  it('has golden files to hold against', () => expect(cases.length).toBeGreaterThan(25));

  // test/golden/config/NAME.txt is what must be said of NAME.yaml, word for word.
  it.each(cases)('says of %s what the golden file says', (name) => {
    expect(`${messageOf(read(name), name)}\n`).toBe(read(name.replace(/yaml$/, 'txt')));
  });

  it.each(cases)('never shows a control character for %s', (name) => {
    expect(messageOf(read(name), name).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('says that a file nests too deeply instead of running out of stack', () => {
    expect(messageOf(`services: ${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toContain('nested too deeply');
  });

  it('does not list what only follows from a first mistake', () => {
    expect(messageOf(`services: ${'['.repeat(10_000)}`).split('\n').length).toBeLessThan(6);
  });

  it('ends in a config or a ConfigError for any text', () => {
    const fragment = fc.constantFrom(
      'a: ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '&x ',
      '*x',
      '!t ',
      '\n',
      '  ',
      '"',
      "'",
      '|',
      '<<: ',
      '? ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fragment, fc.string())), (parts) => {
        expect(() => messageOf(parts.join(''))).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe('loadConfig', () => {
  it('returns the config with defaults, durations in milliseconds and sizes in bytes', () => {
    const { config } = loadConfig(inTemp(`${SMALLEST}limits: { drain: 5s, headers: 8KiB }\n`));
    expect(config.limits).toMatchObject({ drain: 5_000, headers: 8_192, keep_alive: 65_000 });
    expect(config.identity).toMatchObject({ clock_skew: 30_000, stale_keys: 86_400_000 });
    expect(config.recording.key).toEqual({ file: './keys/recording.key' });
  });

  it('returns the hash of the very bytes and the folder that relative paths start from', () => {
    const file = inTemp(SMALLEST);
    const loaded = loadConfig(file);
    expect(loaded.hash).toBe(createHash('sha256').update(SMALLEST).digest('hex'));
    expect(join(loaded.baseDir, 'sallyport.yaml')).toBe(file);
  });

  it('says where a value stands, for what is found wrong with it later', () => {
    const parsed = parseConfig(`${SMALLEST}policies:\n  - { name: chat, when: 'true', then: allow }\n`, 'x.yaml');
    expect(parsed.place(['policies', 0, 'when'])).toEqual({ line: 10, column: 25 });
    expect(parsed.place(['log', 'level'])).toEqual({ line: 1, column: 1 });
  });

  it('reads YAML 1.2, in which `no` is a text', () => {
    const { config } = loadConfig(inTemp(`${SMALLEST}masking: [{ name: no, entities: [email] }]\n`));
    expect(config.masking[0]?.name).toBe('no');
  });

  it('lets a rule be written once and named again', () => {
    const text = `${SMALLEST}policies:\n  - { name: a, when: &everyone 'true', then: deny }\n  - { name: b, when: *everyone, then: allow }\n`;
    expect(loadConfig(inTemp(text)).config.policies.map(({ when }) => when)).toEqual(['true', 'true']);
  });

  it.each([
    ['is not there', () => '/nonexistent/sallyport.yaml', 'there is no such file'],
    ['is a folder', () => tmpdir(), 'cannot be read (EISDIR)'],
    ['is not UTF-8', () => inTemp(Buffer.from([0x61, 0x3a, 0x20, 0xff])), 'expected UTF-8'],
    ['is larger than 1 MiB', () => inTemp(`# ${'x'.repeat(1024 ** 2)}`), 'expected at most 1048576 bytes'],
  ])('refuses a file that %s', (_what, file, message) => {
    expect(() => loadConfig(file())).toThrow(message);
  });
});
