import { describe, expect, it } from 'vitest';
import { compile } from './compile.ts';
import { Fault } from './fault.ts';
import { type Environment, Mistake } from './part.ts';
import {
  BOOL,
  DYN,
  field,
  type FieldOf,
  INT,
  listOf,
  mapOf,
  STRING,
  structOf,
  Timestamp,
  TIMESTAMP,
  type Type,
} from './type.ts';

interface Root {
  readonly names: readonly string[];
  readonly claims: ReadonlyMap<string, unknown>;
}

const ITEM = structOf<string>('item', {
  name: field(STRING, (name) => name),
  size: field(INT, (name) => BigInt(name.length)),
});
const COUNTS = { ...mapOf(STRING, INT), counts: { noun: 'entity', words: ['email', 'phone'] } };
const COLOUR: typeof STRING = { kind: 'scalar', name: 'string', words: { noun: 'colour', words: ['red', 'green'] } };
const BOX = structOf<Root>('box', {
  items: field(listOf(ITEM), ({ names }) => names),
  names: field(listOf(STRING), ({ names }) => names),
  count: field(INT, ({ names }) => BigInt(names.length)),
  colour: field(COLOUR, () => 'red'),
  counts: field(COUNTS, () => new Map([['email', 2n]])),
});

const environment: Environment = new Map<string, FieldOf<Root>>([
  ['box', field(BOX, (root) => root)],
  ['claims', field(mapOf(STRING, DYN), ({ claims }) => claims)],
  ['now', field(TIMESTAMP, () => new Timestamp(1_700_000_000_000_000_000n))],
]);

const ROOT: Root = {
  names: ['apple', 'fig'],
  claims: new Map<string, unknown>([
    ['team', 'ml'],
    ['level', 3n],
  ]),
};

const value = (source: string, root: Root = ROOT): unknown => compile(source, { environment }).evaluate(root);

const mistake = (source: string, expected?: Type): { offset: number; message: string } => {
  try {
    compile(source, expected === undefined ? { environment } : { environment, expected });
  } catch (error) {
    if (error instanceof Mistake) return { offset: error.offset, message: error.message };
    throw error;
  }
  throw new Error(`expected a mistake in ${source}`);
};

const fault = (source: string, root: Root = ROOT): string => {
  const { evaluate } = compile(source, { environment });
  try {
    evaluate(root);
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
  throw new Error(`expected a fault in ${source}`);
};

describe('compiling a condition', () => {
  it.each([
    ['box.cuont > 1', 4, 'box has no field cuont; did you mean count?'],
    ['box.items.exists(i, i.nam == "x")', 22, 'item has no field nam; did you mean name?'],
    ['bux.count > 1', 0, 'there is no bux; did you mean box?'],
    ['box.count >', 10, 'cannot be read as an expression from here on'],
    ['box.count > "1"', 10, 'there is no int > string'],
    ['box.colour == 3', 11, 'a string is never equal to a int'],
    ['3 in box.names', 2, 'a int is never equal to a string'],
    ['box.names.contains("x")', 10, 'there is no list<string>.contains(string); there is string.contains(string)'],
    ['box.colour.startWith("r")', 11, 'there is no function startWith; did you mean startsWith?'],
    ['box.count && true', 0, 'expected a bool, found int'],
    ['box.colour == "blue"', 14, 'no colour is named "blue"; there are red, green'],
    ['"gren" == box.colour', 0, 'no colour is named "gren"; did you mean green?'],
    ['box.colour in ["red", "gren"]', 14, 'no colour is named "gren"; did you mean green?'],
    ['box.counts.emial > 0', 11, 'no entity is named emial; did you mean email?'],
    ['box.counts["emial"] > 0', 11, 'no entity is named emial; did you mean email?'],
    ['"emial" in box.counts', 0, 'no entity is named "emial"; did you mean email?'],
    ['has(box.count)', 8, 'count always has a value; has() is for claims and other maps'],
    ['has(box.cuont)', 8, 'box has no field cuont; did you mean count?'],
    ['has(claims)', 0, 'has() takes a member'],
    ['box.names[“0”] == "x"', 9, 'cannot be read as an expression from here on'],
    ['box.names["0"] == "x"', 10, 'expected an int as index, found string'],
    ['box.count.size() > 1', 10, 'there is no int.size()'],
    ['b"x" == b"x"', 0, 'there are no unsigned integers and no bytes here'],
    ['1u == 1u', 0, 'there are no unsigned integers and no bytes here'],
    ['box.colour.matches("(")', 11, 'the pattern is not one of RE2'],
    ['box.colour.matches("(a)\\\\1")', 11, 'the pattern is not one of RE2'],
    ['box.colour.matches(claims.team)', 11, 'the pattern of matches() must be a literal'],
    ['timestamp("2024-13-01T00:00:00Z") < now', 0, 'the value cannot be converted'],
    ['now.getHours("Europe/Zuerich") < 6', 4, 'unknown time zone'],
    ['box.names.all(n, n)', 17, 'expected a bool, found string'],
  ])('says what is wrong with %s and where', (source, offset, message) => {
    const found = mistake(source);
    expect(found.message).toContain(message);
    expect(found.offset).toBe(offset);
  });

  it('refuses a condition that is not a bool', () => {
    expect(mistake('box.count', BOOL).message).toBe('expected a bool, found int');
    expect(mistake('claims.admin', BOOL).message).toBe('expected a bool, found dyn');
  });

  it('bounds the length, the parts and the nesting of a condition', () => {
    expect(mistake(`"${'x'.repeat(8200)}" == ""`).message).toBe('expected at most 8192 characters');
    expect(mistake(Array.from({ length: 1100 }, () => 'true').join('||')).message).toMatch(/expected at most/);
    expect(mistake(`${'['.repeat(150)}1${']'.repeat(150)} == []`).message).toBe(
      'expected at most 100 levels of nesting',
    );
    // The parser may end at its own stack; that is a mistake in the condition too.
    expect(() => compile(`${'('.repeat(4000)}true${')'.repeat(4000)}`, { environment })).not.toThrow(RangeError);
  });
});

describe('evaluating a condition', () => {
  it.each([
    ['box.items.exists(i, i.name == "fig" && i.size == 3)', true],
    ['box.items.map(i, i.name.upperAscii()) == ["APPLE", "FIG"]', true],
    ['box.items.filter(i, i.size > 3).size()', 1n],
    ['box.names.exists_one(n, n.startsWith("f"))', true],
    ['box.names.map(a, box.names.map(b, a + b)) == [["appleapple", "applefig"], ["figapple", "figfig"]]', true],
    ['claims.level + 1 == 4', true],
    ['claims.level > 2.5', true],
    ['claims.team.matches("^m[a-z]$")', true],
    ['claims.team in ["ml", "ops"]', true],
    ['has(claims.nobody)', false],
    ['has(claims.nobody) && claims.nobody == "x"', false],
    ['claims.nobody == "x" || claims.team == "ml"', true],
    ['claims.nobody == "x" && claims.team == "ops"', false],
    ['["x", claims.nobody].exists(n, n == "x") || true', true],
    ['box.counts.email', 2n],
    ['box.counts.phone', 0n],
    ['box.counts["phone"]', 0n],
    ['"phone" in box.counts', false],
    ['has(box.counts.email)', true],
    ['box.counts.exists(k, box.counts[k] > 1)', true],
    ['now.getFullYear()', 2023n],
    ['now.getHours("Europe/Zurich") - now.getHours()', 1n],
    ['now - timestamp("2023-11-14T00:00:00Z") > duration("22h")', true],
    ['"Straße 😀".size()', 8n],
    ['"😀" > "\uFFFD"', true],
    ['"ÄB".lowerAscii()', 'Äb'],
    ['[0.0][0] == -0.0', true],
    ['box.count == 2 ? "two" : "other"', 'two'],
  ])('gives %s', (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it.each([
    ['claims.nobody == "x"', 'no such key'],
    ['claims.team + 1 == 3', 'no such operation on values of these types'],
    ['claims.team.name == "x"', 'no such operation on values of these types'],
    ['box.names[2] == "x"', 'no such index'],
    ['9223372036854775807 + box.count > 0', 'the integer does not fit in 64 bits'],
    ['box.count / (box.count - 2) > 0', 'division by zero'],
    ['claims.team && true', 'expected a bool'],
    ['{claims.team: 1, "ml": 2}.size() > 0', 'a map names a key twice'],
  ])('has a fault in %s', (source, message) => {
    expect(fault(source)).toBe(message);
  });

  it('does not keep anything from one evaluation to the next', () => {
    const { evaluate } = compile('box.names.map(n, n + "!")', { environment });
    expect(evaluate(ROOT)).toEqual(['apple!', 'fig!']);
    expect(evaluate({ ...ROOT, names: ['kiwi'] })).toEqual(['kiwi!']);
  });

  it('stops a nested loop over long lists long before it holds the thread', () => {
    const long = { ...ROOT, names: Array.from({ length: 20_000 }, (_, at) => `n${at}`) };
    const began = performance.now();
    expect(fault('box.names.all(a, box.names.all(b, a != "x"))', long)).toBe(
      'the condition costs more than a condition may',
    );
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('charges for membership, concatenation and texts by their length', () => {
    const long = { ...ROOT, names: Array.from({ length: 10_000 }, () => 'x'.repeat(1000)) };
    expect(fault('box.names.all(a, !("y" in box.names))', long)).toBe('the condition costs more than a condition may');
    expect(fault('box.names.all(a, (box.names + box.names).size() > 0)', long)).toBe(
      'the condition costs more than a condition may',
    );
    expect(fault('box.names.exists(a, a.matches("y$"))', long)).toBe('the condition costs more than a condition may');
    expect(fault('box.names.exists(a, a.lowerAscii() == "y")', long)).toBe(
      'the condition costs more than a condition may',
    );
    expect(value('box.names.exists(a, a.contains("y"))', long)).toBe(false);
  });

  it('searches three texts of 16 MiB within its budget, and one of 1 MiB with a pattern', () => {
    const text = 'The quick brown fox. '.repeat((16 * 1024 ** 2) / 21);
    expect(value('box.names.exists(n, n.contains("secret"))', { ...ROOT, names: [text, text, text] })).toBe(false);
    expect(
      value('box.names.exists(n, n.matches("(?i)secret|(a|b)*c$"))', { ...ROOT, names: [text.slice(0, 1024 ** 2)] }),
    ).toBe(false);
  });

  it('takes time in proportion to the text for patterns that make backtracking engines hang', () => {
    const began = performance.now();
    expect(value('box.names.exists(n, n.matches("^(a+)+$"))', { ...ROOT, names: [`${'a'.repeat(100_000)}!`] })).toBe(
      false,
    );
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('makes a list of as many items as there are without quadratic work', () => {
    const names = Array.from({ length: 50_000 }, (_, at) => `n${at}`);
    expect(value('box.names.map(n, n.size()).size()', { ...ROOT, names })).toBe(50_000n);
  });
});
