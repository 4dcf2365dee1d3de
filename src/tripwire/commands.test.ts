import { describe, expect, it } from 'vitest';
import { tripCases } from '../../test/kit/trip-cases.ts';
import { COMMAND_WIRES, findCommands } from './commands.ts';

const { trips, clean } = tripCases('commands');
const kindsIn = (text: string): readonly string[] => [
  ...new Set(findCommands(text, 'tool_call').map(({ kind }) => kind)),
];

describe('dangerous commands', () => {
  it.each(trips)('$text', ({ text, kinds }) => expect(kindsIn(text)).toEqual(kinds));

  it.each(trips)('in a script: $text', ({ text, kinds }) => {
    expect(kindsIn(`#!/bin/sh\nset -e\n${text}\necho done\n`)).toEqual(kinds);
  });

  it.each(clean)('is none: %s', (text) => {
    expect(kindsIn(text)).toEqual([]);
    expect(kindsIn(`first\n${text}\nthen`)).toEqual([]);
  });

  it('has a case for every kind', () => {
    const kinds = new Set(trips.flatMap((each) => each.kinds));
    const missing = COMMAND_WIRES.map(({ kind }) => kind).filter((kind) => !kinds.has(kind));
    expect(new Set(missing)).toEqual(new Set(['secrets.dump']));
    expect(kindsIn('secretsdump.py corp/admin@10.0.0.1')).toEqual(['secrets.dump']);
  });

  it('says where it stands, and not what', () => {
    const text = 'first, then rm -rf / and go';
    expect(findCommands(text, 'tool')).toEqual([{ kind: 'files.delete', place: 'tool', start: 12, end: 20 }]);
  });
});
