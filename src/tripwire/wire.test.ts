import { globSync, readFileSync } from 'node:fs';
import { check } from 'recheck';
import { describe, expect, it } from 'vitest';
import { COMMAND_WIRES, findCommands } from './commands.ts';
import { findInjection, INJECTION_WIRES } from './injection.ts';
import type { Trip } from '../call.ts';
import { compileWires, inSlices, type Wire, WIDEST, withDigests } from './wire.ts';

/** How many turns it took, and what was found. */
const sliced = (text: string): [number, readonly Trip[]] => {
  const work = inSlices(text, (slice) => findCommands(slice, 'user'));
  for (let steps = 1; ; steps++) {
    const step = work.next();
    if (step.done === true) return [steps, step.value];
  }
};

const WIRES = [...COMMAND_WIRES, ...INJECTION_WIRES];

describe('wires', () => {
  it('read no further than the widest, so that a stream needs to keep no more', () => {
    // an unbounded repeat would read on for ever
    for (const { kind, pattern } of WIRES) {
      const source = pattern.source.replace(/\\.|\[(?:\\.|[^\]\\])*\]/g, 'x');
      expect(source, `${kind}: ${pattern.source}`).not.toMatch(/[*+](?!\))|\{\d+,\}/);
    }
  });

  it('all begin with what they say that they begin with', () => {
    for (const { starts } of WIRES) {
      expect(starts.length).toBeGreaterThan(0);
      for (const start of starts) expect(start).toBe(start.toLowerCase());
    }
  });

  it.each(WIRES.map((wire): [string, Wire] => [`${wire.kind} ${wire.starts.join()}`.slice(0, 60), wire]))(
    'take no exponential time: %s',
    { timeout: 120_000 },
    async (_, { pattern }) => {
      const result = await check(`^(?:${pattern.source})`, pattern.flags.replace('y', ''), {
        timeout: 500,
      });
      // bounded repeats of bounded repeats are no danger, but more than the checker can go through
      if (result.status === 'vulnerable') expect(result.complexity.type).not.toBe('exponential');
    },
  );

  it('are found where they overlap, whole words as words, whatever their case', () => {
    const of = (kind: string, start: string, pattern: RegExp): Wire => ({ kind, starts: [start], pattern, weight: 1 });
    const { scan } = compileWires([of('a', 'cat', /cat x/iy), of('b', 'cat', /cat/iy), of('c', '<|', /<\|b/iy)]);
    expect(scan('concat cat CAT X<|b').map(({ wire, start, end }) => [wire.kind, start, end])).toEqual([
      ['b', 7, 10],
      ['a', 11, 16],
      ['b', 11, 14],
      ['c', 16, 19],
    ]);
  });

  it('tell of a text that has more beginnings than anybody looks at, instead of letting it pass', () => {
    const dense = 'cat '.repeat(100_000);
    expect(findCommands(dense, 'user').map(({ kind }) => kind)).toEqual(['unread']);
    expect(findCommands(`${dense}; rm -rf /`, 'user').at(-1)?.kind).toBe('unread');
    expect(findInjection([{ text: 'ignore '.repeat(100_000), place: 'tool' }]).score).toBe(1);
    expect(findCommands('cat '.repeat(1000), 'user')).toEqual([]);
  });

  it('are found in long texts wherever a slice ends, once, and where they stand', () => {
    const command = 'rm -rf / now';
    for (let at = 65_500; at <= 65_560; at++) {
      const text = `${'x'.repeat(at)} ${command} ${'y'.repeat(70_000)}`;
      const [steps, found] = sliced(text);
      expect(found).toEqual([{ kind: 'files.delete', place: 'user', start: at + 1, end: at + 9 }]);
      expect(steps).toBeGreaterThan(1);
    }
    const [, dense] = sliced('cat '.repeat(100_000));
    expect(new Set(dense.map(({ kind }) => kind))).toEqual(new Set(['unread']));
    const [, hidden] = sliced(`${'x'.repeat(65_530)} r''m -rf / ${'y'.repeat(70_000)}`);
    expect(hidden.map(({ kind }) => kind)).toContain('files.delete');
  });

  it('are told with a digest of what stands there, and not with that', () => {
    const text = 'then rm -rf / now';
    const digested = withDigests(findCommands(text, 'user'), text, (kind, value) => `${kind}:${value.length}`);
    expect(digested).toEqual([{ kind: 'files.delete', place: 'user', start: 5, end: 13, digest: 'files.delete:8' }]);
    expect(withDigests(findCommands(text, 'user'), text, undefined)[0]).not.toHaveProperty('digest');
  });

  it('trip fewer than once in 100 KB of our own code and documentation', () => {
    const root = new URL('../../', import.meta.url);
    const files = globSync(['docs/**/*.md', '*.md', 'src/**/*.ts', 'scripts/*.ts', 'test/**/*.ts'], {
      cwd: root,
    }).filter((file) => !/tripwire|guards\.md|upstream\.(?:test\.)?ts$/.test(file));
    const texts = files.map((file) => readFileSync(new URL(file, root), 'utf8'));
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    expect(bytes).toBeGreaterThan(2_000_000);
    const commands = texts.flatMap((text) => findCommands(text, 'text'));
    const injections = texts.filter((text) => findInjection([{ text, place: 'tool' }]).score >= 0.5);
    expect(commands.length).toBeLessThan(bytes / 100_000);
    expect(injections.length).toBeLessThan(bytes / 100_000);
  });
});

it('a stream keeps as much as the widest wire reads', () => expect(WIDEST).toBeGreaterThanOrEqual(768));
