import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configReference } from '../scripts/config-reference.ts';
import { configSchema } from '../src/config.ts';
import { parseConfig } from '../src/config/file.ts';
import { firstConfig } from '../src/cli/init-config.ts';

const reference = configReference(z.toJSONSchema(configSchema, { io: 'input' }));
const rows = reference.split('\n').filter((line) => line.startsWith('| `'));
const keyOf = (row: string): string => /^\| `([^`]+)`/.exec(row)?.[1] ?? '';

describe('docs/config.md', () => {
  it('says of every key what it means', () => {
    expect(rows.length).toBeGreaterThan(60);
    const silent = rows.filter((row) => / \|\s+\|$/.test(row) && keyOf(row).includes('.'));
    expect(silent.map(keyOf)).toEqual([]);
  });

  it('tells defaults as one would write them', () => {
    expect(reference).toContain('| `limits.body_timeout` | duration | `1m` |');
    expect(reference).toContain('| `services[].max_body` | size | `16MiB` |');
  });

  it('has a line for every key of every list and every choice', () => {
    const keys = rows.map(keyOf);
    expect(keys).toEqual(
      expect.arrayContaining(['services[].upstream.credential.bearer', 'policies[].then.approve.by']),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the first config', () => {
  it('is one', () => {
    const { config } = parseConfig(firstConfig('./sallyport.schema.json'), 'sallyport.yaml');
    expect(config.services.map(({ name }) => name)).toEqual(['llm']);
  });

  it('is one with every line that is commented out, too', () => {
    const text = firstConfig('./sallyport.schema.json').replaceAll(/^( +)# (\w+: \{)/gm, '$1$2');
    const { config } = parseConfig(text, 'sallyport.yaml');
    expect(config.services[0]?.upstream.credential).toEqual({ bearer: { env: 'UPSTREAM_KEY' } });
    expect(config.services[0]?.assume.max_tokens).toBe(4096);
  });
});

it('the schema that ships is the one that configs are checked with', () => {
  const shipped: unknown = JSON.parse(readFileSync(new URL('../sallyport.schema.json', import.meta.url), 'utf8'));
  expect(shipped).toMatchObject({
    required: ['identity', 'services'],
    additionalProperties: false,
    properties: Object.fromEntries(Object.keys(configSchema.shape).map((key) => [key, {}])),
  });
});
