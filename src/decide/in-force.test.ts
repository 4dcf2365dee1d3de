import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../config.ts';
import { parseConfig } from '../config/file.ts';
import { detectorsEdition } from '../detect/edition.ts';
import { DETECTORS } from '../detect/entities.ts';
import { COMMAND_WIRES } from '../tripwire/commands.ts';
import { tripwiresEdition } from '../tripwire/edition.ts';
import { inForce, NOT_IN_FORCE } from './in-force.ts';

const FILES: Readonly<Record<string, string>> = { './model.pb': 'descriptors' };
const parts = {
  version: '1.2.3',
  file: (path: string) => Buffer.from(FILES[path] ?? ''),
};

/** What zod tells of a schema, as far as it is walked here. */
interface Schema {
  readonly def: {
    readonly type: string;
    readonly shape?: Readonly<Record<string, Schema>>;
    readonly element?: Schema;
    readonly innerType?: Schema;
    readonly in?: Schema;
    readonly valueType?: Schema;
    readonly options?: readonly Schema[];
    readonly entries?: Readonly<Record<string, string>>;
    readonly values?: readonly unknown[];
  };
}

/** A place in a config, and two values of it that differ. */
interface Leaf {
  readonly path: readonly string[];
  readonly with: (value: unknown) => unknown;
}

const under = (path: readonly string[], wrap: (inner: unknown) => unknown, leaves: readonly Leaf[]): readonly Leaf[] =>
  leaves.map((leaf) => ({ path: [...path, ...leaf.path], with: (value) => wrap(leaf.with(value)) }));

/** Returns every place in which a value can stand, each with a value all around it that holds nothing else. */
const leavesOf = ({ def }: Schema): readonly Leaf[] => {
  const { type } = def;
  if (type === 'object')
    return Object.entries(def.shape ?? {}).flatMap(([key, inner]) =>
      under([key], (value) => ({ [key]: value }), leavesOf(inner)),
    );
  if (type === 'array')
    return def.element === undefined ? [] : under(['[]'], (value) => [value], leavesOf(def.element));
  if (type === 'record')
    return def.valueType === undefined ? [] : under(['{}'], (value) => ({ name: value }), leavesOf(def.valueType));
  if (type === 'union') return (def.options ?? []).flatMap(leavesOf);
  if (['optional', 'default', 'prefault', 'nullable', 'readonly'].includes(type))
    return def.innerType === undefined ? [] : leavesOf(def.innerType);
  // what comes out of a transform is a number: sizes and durations
  if (['string', 'number', 'boolean', 'enum', 'literal', 'pipe', 'unknown'].includes(type))
    return [{ path: [], with: (value) => value }];
  throw new Error(`the schema has something that this test does not know: ${type}`);
};

const everyLeaf = leavesOf(configSchema);

/** Not whole: here it holds one value alone, and inForce asks for no more than services. */
const isConfig = (value: unknown): value is Config =>
  typeof value === 'object' && value !== null && 'services' in value;

const hashOf = (value: unknown): string => {
  const config: unknown = { services: [], ...Object(value) };
  if (!isConfig(config)) throw new Error('expected a config');
  return inForce(config, parts).hash;
};

const TEXT = `
identity: { issuers: [{ issuer: https://idp.example.com, audience: sallyport }] }
services:
  - name: llm
    protocol: openai
    upstream: { url: http://127.0.0.1:1 }
    tools: { call: [a], arguments: { a: { type: object, properties: { p: { type: string }, q: { type: number } } } } }
classifiers: [{ name: guard, kind: webhook, url: http://127.0.0.1:2, on_error: deny, threshold: 0.25 }]
policies:
  - { name: ml, when: '"ml" in caller.groups', then: allow }
masking:
  - { name: pii, entities: [email], at: { paths: [/prompt] } }
`;

const hashOfText = (text: string): string => inForce(parseConfig(text, 'sallyport.yaml').config, parts).hash;

describe('what is in force', () => {
  it('sees the whole schema', () => {
    const paths = everyLeaf.map(({ path }) => path.join('.'));
    expect(new Set(paths).size).toBeGreaterThan(150);
    for (const known of [
      'policies.[].when',
      'services.[].tools.arguments.{}.{}',
      'services.[].tensors.check',
      'classifiers.[].guardrail.version',
      'classifiers.[].on_error',
      'detectors.[].context.words.[]',
      'masking.[].at.tensors.[]',
      'masking.[].restore',
      'prices.[].input',
      'policies.[].limit.distinct_inputs',
      'identity.issuers.[].audience',
    ])
      expect(paths).toContain(known);
  });

  it('leaves out these sections and no other', () => {
    expect(NOT_IN_FORCE).toEqual(['public_url', 'control', 'workers', 'store', 'recording', 'ledger', 'log']);
  });

  it.each(everyLeaf.map((leaf) => [leaf.path.join('.'), leaf] as const))('%s', (_, { path, with: place }) => {
    const isLeftOut = NOT_IN_FORCE.some((section) => section === path[0]);
    const hashes = new Set([
      hashOf(place('one')),
      hashOf(place('another')),
      hashOf(place(1)),
      hashOf(place(1.5)),
      hashOf({}),
    ]);
    expect(hashes.size).toBe(isLeftOut ? 1 : 5);
  });

  it.each([
    ['comments', TEXT.replace('services:', '# those that answer\nservices: # all of them')],
    ['another style', TEXT.replace('{ name: ml, when:', '{ "name": "ml",\n     when:')],
    [
      'another order of keys',
      TEXT.replace('    protocol: openai\n', '').replace('tools:', 'protocol: openai\n    tools:'),
    ],
    ['another order of sections', TEXT.replace(/(identity:.*\n)([^]*)/, '$2$1')],
    [
      'another order in a schema',
      TEXT.replace('p: { type: string }, q: { type: number }', 'q: { type: number }, p: { type: string }'),
    ],
    ['a default that is written out', TEXT.replace('on_error: deny', 'on_error: deny, timeout: 2000ms')],
    ['where it keeps its store', `${TEXT}\nstore: { path: ./elsewhere }\nlog: { level: debug }\n`],
  ])('is the same with %s', (_, text) => {
    expect(text).not.toBe(TEXT);
    expect(hashOfText(text)).toBe(hashOfText(TEXT));
  });

  it.each([
    [
      'the order of rules',
      TEXT.replace('policies:', "policies:\n  - { name: z, when: 'true', then: deny }"),
      TEXT.replace('then: allow }', "then: allow }\n  - { name: z, when: 'true', then: deny }"),
    ],
    ['a schema', TEXT, TEXT.replace('q: { type: number }', 'q: { type: integer }')],
    ['a threshold', TEXT, TEXT.replace('0.25', '0.26')],
  ])('is another with %s', (_, one, other) => {
    expect(hashOfText(one)).not.toBe(hashOfText(other));
  });

  it('is another with another gateway, or other descriptors', () => {
    const { config } = parseConfig(
      TEXT.replace('protocol: openai', 'protocol: kserve').replace(
        /tools:.*/,
        'grpc: { descriptors: { file: ./model.pb } }',
      ),
      'sallyport.yaml',
    );
    const { hash } = inForce(config, parts);
    expect(inForce(config, { ...parts, version: '1.2.4' }).hash).not.toBe(hash);
    expect(inForce(config, { ...parts, file: () => Buffer.from('others') }).hash).not.toBe(hash);
    expect(inForce(config, parts).hash).toBe(hash);
  });

  it('is another with another table of detectors or tripwires', () => {
    const [first, ...rest] = DETECTORS;
    if (first === undefined) throw new Error('expected detectors');
    const editions = [
      detectorsEdition(),
      detectorsEdition(rest),
      detectorsEdition([{ ...first, pattern: new RegExp(first.pattern.source, 'i') }, ...rest]),
      detectorsEdition([{ ...first, score: 0.123 }, ...rest]),
      detectorsEdition([{ ...first, context: { words: ['x'], required: true } }, ...rest]),
      detectorsEdition([...rest, first]),
      tripwiresEdition(),
      tripwiresEdition(COMMAND_WIRES),
      tripwiresEdition(COMMAND_WIRES.map((wire, at) => (at === 3 ? { ...wire, weight: 0.5 } : wire))),
      tripwiresEdition(COMMAND_WIRES.map((wire, at) => (at === 3 ? { ...wire, starts: ['x'] } : wire))),
    ];
    expect(new Set(editions).size).toBe(editions.length);
    expect(inForce(parseConfig(TEXT, 'x').config, parts).text).toContain(detectorsEdition());
    expect(inForce(parseConfig(TEXT, 'x').config, parts).text).toContain(tripwiresEdition());
  });
});
