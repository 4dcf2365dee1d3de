import { expect, it } from 'vitest';
import { closeCodeOf, sendable } from './close-code.ts';

it('says a reason by the code that the registry has for it, and a denial as a violation of policy', () => {
  expect(closeCodeOf('body-too-large')).toBe(1009);
  expect(closeCodeOf('upstream-failed')).toBe(1014);
  expect(closeCodeOf('policy-denied')).toBe(1008);
});

// RFC 6455 §7.4.1: 1004 to 1006 and 1015 are never sent; §7.4.2: 3000 to 4999 are for libraries and applications
it.each([
  [1000, 1000],
  [1005, undefined],
  [1006, undefined],
  [1015, undefined],
  [2999, undefined],
  [3000, 3000],
  [4999, 4999],
  [5000, undefined],
])('passes %d on as %s', (code, sent) => {
  expect(sendable(code)).toBe(sent);
});
