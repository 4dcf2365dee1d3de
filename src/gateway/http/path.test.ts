import { describe, expect, it } from 'vitest';
import { readTarget } from './path.ts';

describe('readTarget', () => {
  it.each([
    ['/llm/v1/chat/completions', { path: '/llm/v1/chat/completions', query: '' }],
    ['/llm', { path: '/llm', query: '' }],
    ['/', { path: '/', query: '' }],
    ['/llm/v1/', { path: '/llm/v1/', query: '' }],
    ['/llm/v1/models/org%2Fmodel', { path: '/llm/v1/models/org%2Fmodel', query: '' }],
    ['/llm/model/us.anthropic%3A0/invoke', { path: '/llm/model/us.anthropic%3A0/invoke', query: '' }],
    [
      '/llm/v1beta/models/m:generateContent?alt=sse',
      { path: '/llm/v1beta/models/m:generateContent', query: 'alt=sse' },
    ],
    ['/llm/v1/x?a=1?b=/../c', { path: '/llm/v1/x', query: 'a=1?b=/../c' }],
    ['/llm/v1/...', { path: '/llm/v1/...', query: '' }],
    ['/llm/.well-known/x', { path: '/llm/.well-known/x', query: '' }],
    ['/llm/x?filter[a]={b}', { path: '/llm/x', query: 'filter[a]={b}' }],
  ])('keeps %s as it came', (target, expected) => {
    expect(readTarget(target)).toEqual(expected);
  });

  it.each([
    'http://evil.example/llm/v1',
    'llm/v1',
    '*',
    '',
    '//evil.example/v1',
    '/llm//v1',
    '/llm/../admin',
    '/llm/./v1',
    '/llm/v1/..',
    '/llm/%2e%2e/admin',
    '/llm/%2E./admin',
    '/llm/.%2e/admin',
    '/llm/x%2f..%2fadmin',
    '/llm/x%2F%2e%2e%2Fadmin',
    '/llm/%2f/x',
    '/llm/x%2f%2fy',
    '/llm\\v1',
    '/llm/%5c..%5cadmin',
    '/llm/%00',
    '/llm/x%0d%0ay',
    '/llm/%7f',
    '/llm/#fragment',
    '/llm?x#fragment',
    '/llm/%zz',
    '/llm/%2',
    '/llm/a b',
    '/llm/ä',
    '/llm/"x"',
    '/llm?a b',
    '/llm?%0',
    '/llm?x=\\',
  ])('refuses %s, which two parsers could read in two ways', (target) => {
    expect(readTarget(target)).toBeNull();
  });
});
