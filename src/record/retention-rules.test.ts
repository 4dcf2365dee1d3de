import { describe, expect, it } from 'vitest';
import { ruleFor } from './retention-rules.ts';

const rules = {
  rules: [
    { name: 'github', services: [], groups: [], findings: ['secret.github'], keep: 1 },
    { name: 'secrets', services: [], groups: [], findings: ['secret'], keep: 2 },
  ],
  keep: 3,
};
const ruleOf = (...findings: readonly string[]): string =>
  ruleFor(rules, { service: 'llm', groups: [], findings }).name;

describe('a retention rule for what was found', () => {
  it('is met by every kind of its entity, and one for a kind by that kind only', () => {
    expect(ruleOf('secret.github')).toBe('github');
    expect(ruleOf('email', 'secret.aws')).toBe('secrets');
    expect(ruleOf('secret')).toBe('secrets');
  });

  it('is not met by what only begins alike', () => {
    expect(ruleOf('secrets')).toBe('recording.keep');
    expect(ruleOf('email')).toBe('recording.keep');
    expect(ruleOf()).toBe('recording.keep');
  });
});
