import { describe, expect, it } from 'vitest';
import { compileSchema, type JsonSchema, SchemaError } from './json-schema.ts';

describe('compileSchema', () => {
  it('says where in the schema a value does not fit, and nothing of the value', () => {
    const check = compileSchema({
      type: 'object',
      properties: { city: { type: 'string', maxLength: 5 }, days: { type: 'integer', maximum: 7 } },
      required: ['city'],
      additionalProperties: false,
    });
    expect(check({ city: 'Oslo', days: 3 })).toBeNull();
    expect(check({ days: 3 })).toBe('#/required');
    expect(check({ city: 'Trondheim' })).toBe('#/properties/city/maxLength');
    expect(check({ city: 'Oslo', secret: 1 })).toBe('#/additionalProperties');
    expect(check('{"city":"Oslo"')).toBe('#/type');
  });

  it('follows references within the schema only', () => {
    const check = compileSchema({
      $defs: { id: { type: 'string', format: 'uuid' } },
      type: 'object',
      properties: { id: { $ref: '#/$defs/id' } },
    });
    expect(check({ id: '6f1c2a9e-0b7d-4b8e-9a55-3d0f2c1b7e88' })).toBeNull();
    expect(check({ id: '../../etc' })).toBe('#/$defs/id/format');
    for (const ref of ['https://example.com/schema.json', 'other.json', 'file:///etc/passwd'])
      expect(() => compileSchema({ $ref: ref })).toThrow(SchemaError);
  });

  it.each<JsonSchema>([
    { $ref: '#' },
    { allOf: [{ $ref: '#' }] },
    { type: 'object', $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } } },
    { type: ['array', 'string'], not: { $ref: '#' } },
  ])('refuses one that refers to itself without going down a level: %j', (schema) => {
    expect(() => compileSchema(schema)).toThrow('refers to itself without an end');
  });

  it('takes one that refers to itself a level down', () => {
    const check = compileSchema({ type: 'object', properties: { child: { $ref: '#' } } });
    expect(check({ child: { child: {} } })).toBeNull();
    expect(check({ child: { child: 'a leaf' } })).toContain('type');
  });

  it.each([
    [{ type: 'objekt' }, 'type'],
    [{ type: 'object', propertys: {} }, 'propertys'],
    [{ type: 'string', format: 'hostname-of-mine' }, 'format'],
    [{ type: 'string', pattern: '(a)\\1' }, 'escape'],
    [{ type: 'string', pattern: '(?=a)b' }, 'perl'],
    [{ type: 'array', uniqueItems: true }, '#: expected maxItems'],
    [{ type: 'object', properties: { ids: { type: 'array', uniqueItems: true, maxItems: 9999 } } }, '#/properties/ids'],
  ])('refuses %j', (schema, why) => {
    expect(() => compileSchema(schema)).toThrow(SchemaError);
    expect(() => compileSchema(schema)).toThrow(new RegExp(why.replaceAll('/', '\\/'), 'i'));
  });

  it('matches patterns in linear time: what hangs a backtracking engine does not hang it', () => {
    const check = compileSchema({ type: 'string', pattern: '^(a+)+$' });
    expect(check('a'.repeat(50_000))).toBeNull();
    // a backtracking engine would try 2^50000 ways
    expect(check(`${'a'.repeat(50_000)}!`)).toBe('#/pattern');
  });

  it('takes no pattern for another', () => {
    const of = (pattern: string) => ({ type: 'string', pattern });
    const check = compileSchema({ type: 'object', properties: { a: of('^a$'), b: of('^b$') } });
    expect(check({ a: 'a', b: 'b' })).toBeNull();
    expect(check({ a: 'b' })).toBe('#/properties/a/pattern');
    expect(check({ b: 'a' })).toBe('#/properties/b/pattern');
  });

  it('fills in and converts nothing', () => {
    const given = { n: '1' };
    const check = compileSchema({
      type: 'object',
      properties: { n: { type: 'integer' }, m: { type: 'integer', default: 1 } },
    });
    expect(check(given)).toBe('#/properties/n/type');
    expect(given).toEqual({ n: '1' });
  });
});
