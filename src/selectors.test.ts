import { describe, expect, it } from 'vitest';
import { compileSelectors, SelectorError } from './selectors.ts';

describe('a selector', () => {
  it.each<[string, readonly (string | number)[], boolean]>([
    ['/a/b', ['a', 'b'], true],
    ['/a/b', ['a'], false],
    ['/a/b', ['a', 'b', 'c'], true],
    ['/a/0', ['a', 0], true],
    ['/a~1b/m~0n', ['a/b', 'm~n'], true],
    ['/', [''], true],
    ['', ['anything'], true],
    ['$', ['anything', 3], true],
    ['$.a.b', ['a', 'b'], true],
    ['$.a.b', ['a', 'c'], false],
    ['$.a[*].b', ['a', 7, 'b'], true],
    ['$.a[*].b', ['a', 7, 'c'], false],
    ['$.a[1].b', ['a', 1, 'b'], true],
    ['$.a[1].b', ['a', 2, 'b'], false],
    ['$.*.b', ['x', 'b'], true],
    ["$['it''s']", ['its'], false],
    ["$['it\\'s'].é", ["it's", 'é'], true],
    ['$["a.b"]', ['a.b'], true],
    ['$..text', ['a', 0, 'b', 'text'], true],
    ['$..text', ['text'], true],
    ['$..text', ['a', 'texts'], false],
    ['$.a..b.c', ['a', 'x', 'b', 'b', 'c'], true],
    ['$..[0]', ['a', 0], true],
    ['$.model-name', ['model-name'], true],
    // RFC 9535 §2.3.1, §2.3.3: names are of objects, positions of arrays
    ['$[0]', ['0'], false],
    ["$['0']", [0], false],
    ['$["\\u0041\\ud83d\\ude00\\n"]', ['A😀\n'], true],
    ["$['\\\\']", ['\\'], true],
    ["$['a\\/b']", ['a/b'], true],
  ])('%s on %j', (selector, path, is) => {
    if (selector === "$['it''s']") expect(() => compileSelectors([selector])).toThrow(SelectorError);
    else expect(compileSelectors([selector])(path)).toBe(is);
  });

  it.each(['a', '.a', '$a', '$.', '$..', '$[', '$[-1]', '$[1:2]', '$[?@.a]', '$.a b', '/a~', '/a~2', "$['a"])(
    'is refused when it is %s',
    (selector) => expect(() => compileSelectors([selector])).toThrow(SelectorError),
  );

  it.each([
    ['$.a[?@.b]', 'at character 4: filters look at values'],
    ['$[-1]', 'at character 2: positions from the end'],
    ['$[1:2]', 'slices'],
    ['$.a[:2]', 'slices'],
    ['$[0,1]', 'write a selector for each'],
    ["$['a','b']", 'write a selector for each'],
    ['$[01]', 'no zeros ahead'],
    ['$ .a', 'no blanks'],
    ['$[ 0]', 'no blanks'],
    ['$.a!', 'at character 4: expected .name'],
    ['$["\\x41"]', 'stands for nothing'],
    ['$["\\\'"]', 'stands for nothing'],
    ['$["\\ud83d"]', 'half of a surrogate pair'],
    ['$["a\tb"]', 'control characters'],
  ])('is refused when it is %s, with where and why', (selector, why) => {
    expect(() => compileSelectors([selector])).toThrow(why);
  });

  it('follows all ways at once: a path that nearly matches everywhere takes no longer than its length', () => {
    const path = Array.from({ length: 128 }, () => 'a');
    expect(compileSelectors([`$${'..a'.repeat(40)}..b`])(path)).toBe(false);
    expect(compileSelectors([`$${'..a'.repeat(40)}..b`])([...path, 'b'])).toBe(true);
  });
});
