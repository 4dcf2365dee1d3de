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
  ])('%s on %j', (selector, path, is) => {
    if (selector === "$['it''s']") expect(() => compileSelectors([selector])).toThrow(SelectorError);
    else expect(compileSelectors([selector])(path)).toBe(is);
  });

  it.each(['a', '.a', '$a', '$.', '$..', '$[', '$[-1]', '$[1:2]', '$[?@.a]', '$.a b', '/a~', '/a~2', "$['a"])(
    'is refused when it is %s',
    (selector) => expect(() => compileSelectors([selector])).toThrow(SelectorError),
  );

  it('follows all ways at once: a path that nearly matches everywhere takes no longer than its length', () => {
    const path = Array.from({ length: 128 }, () => 'a');
    expect(compileSelectors([`$${'..a'.repeat(40)}..b`])(path)).toBe(false);
    expect(compileSelectors([`$${'..a'.repeat(40)}..b`])([...path, 'b'])).toBe(true);
  });
});
