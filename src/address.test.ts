import { describe, expect, it } from 'vitest';
import { splitUpstream, unixPath } from './address.ts';

describe('splitUpstream', () => {
  it.each([
    ['http://a:8000', { origin: 'http://a:8000', host: 'a:8000', hostname: 'a', port: 8000, secure: false, mount: '' }],
    ['https://a.example/x/', { host: 'a.example', port: 443, secure: true, servername: 'a.example', mount: '/x' }],
    ['https://[::1]:9', { host: '[::1]:9', hostname: '::1', servername: '', port: 9 }],
    ['unix:/run/m.sock', { socketPath: '/run/m.sock', mount: '', host: 'localhost', secure: false }],
    ['unix:/run/m.sock:/v1/', { socketPath: '/run/m.sock', mount: '/v1' }],
  ])('reads %s', (text, expected) => expect(splitUpstream(text)).toMatchObject(expected));

  it.each(['unix:relative.sock', 'unix:', 'unix:/a:b', 'unix:/a?q', 'ftp://a', 'nonsense'])('reads no %s', (text) =>
    expect(splitUpstream(text)).toBeNull(),
  );
});

it('unixPath tells a Unix socket from a port', () => {
  expect([unixPath('unix:/a'), unixPath('127.0.0.1:1')]).toEqual(['/a', null]);
});
