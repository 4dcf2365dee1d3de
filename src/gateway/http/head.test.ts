import { describe, expect, it } from 'vitest';
import { readHead } from './head.ts';

const read = (fields: readonly string[] = [], over: { method?: string; url?: string; httpVersion?: string } = {}) =>
  readHead({
    method: 'POST',
    url: '/llm/v1/x',
    httpVersion: '1.1',
    rawHeaders: ['Host', 'gw.example:8080', ...fields],
    ...over,
  });

describe('readHead', () => {
  it('reads what the gateway itself needs and carries the rest untouched', () => {
    const fields = [
      'Content-Type',
      'application/json',
      'Content-Length',
      '12',
      'X-Custom_Thing',
      'a',
      'X-Custom_Thing',
      'b',
      'Prefer',
      'wait=30',
    ];
    expect(read(fields)).toMatchObject({
      method: 'POST',
      host: 'gw.example:8080',
      contentLength: 12,
      chunked: false,
      contentType: 'application/json',
      wait: 30,
      approval: '',
      rawHeaders: ['Host', 'gw.example:8080', ...fields],
    });
  });

  it.each<[string, readonly string[]]>([
    ['a second host', ['Host', 'other']],
    ['a second content-length, even the same', ['Content-Length', '5', 'content-length', '5']],
    ['a second content-type', ['Content-Type', 'application/json', 'Content-Type', 'text/plain']],
    ['a second transfer-encoding', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']],
    ['a length beside chunked', ['Content-Length', '5', 'Transfer-Encoding', 'chunked']],
    ['a coding before chunked', ['Transfer-Encoding', 'gzip, chunked']],
    ['identity', ['Transfer-Encoding', 'identity']],
    ['a signed length', ['Content-Length', '+5']],
    ['a list of lengths', ['Content-Length', '5, 5']],
    ['a hexadecimal length', ['Content-Length', '0x5']],
    ['an underscore spelling of a credential', ['X_Api_Key', 'k']],
    ['an underscore spelling of a length', ['Content_Length', '5']],
    ['an underscore spelling of a forwarded address', ['X_Forwarded_For', '1.2.3.4']],
    ['an underscore spelling of one of ours', ['sallyport_approval', 'x']],
    ['an upgrade', ['Connection', 'Upgrade', 'Upgrade', 'websocket']],
    ['an unknown expectation', ['Expect', '200-ok']],
    ['two sessions that it repeats', ['sallyport-replay-of', 'a', 'Sallyport-Replay-Of', 'b']],
    ['two approvals', ['sallyport-approval', 'a', 'Sallyport-Approval', 'b']],
  ])('refuses %s', (_what, fields) => {
    expect(read(fields)).toHaveProperty('bad');
  });

  it.each([
    ['no host', { rawHeaders: [] }],
    ['a host with userinfo', { rawHeaders: ['Host', 'a@b'] }],
    ['a host with a path', { rawHeaders: ['Host', 'a/b'] }],
    ['an empty host', { rawHeaders: ['Host', ''] }],
    ['HTTP/1.0', { httpVersion: '1.0' }],
    ['CONNECT', { method: 'CONNECT' }],
    ['TRACE', { method: 'TRACE' }],
    ['a made-up method', { method: 'BREW' }],
  ])('refuses %s', (_what, over) => {
    expect(
      readHead({ method: 'POST', url: '/x', httpVersion: '1.1', rawHeaders: ['Host', 'a'], ...over }),
    ).toHaveProperty('bad');
  });

  const handshake = (over: readonly string[] = [], how: Partial<Parameters<typeof readHead>[0]> = {}) =>
    readHead({
      method: 'GET',
      url: '/x',
      httpVersion: '1.1',
      upgraded: true,
      rawHeaders: [
        'Host',
        'a',
        'Connection',
        'Upgrade',
        'Upgrade',
        'WebSocket',
        'Sec-WebSocket-Version',
        '13',
        'Sec-WebSocket-Key',
        'dGhlIHNhbXBsZSBub25jZQ==',
        ...over,
      ],
      ...how,
    });

  it('reads the handshake of a WebSocket only from a connection that was handed over for it', () => {
    expect(handshake()).toHaveProperty('websocket', true);
    expect(handshake([], { upgraded: false })).toHaveProperty('bad');
    expect(handshake([], { rawHeaders: ['Host', 'a'] })).toHaveProperty('bad');
  });

  it.each([
    ['another method', [], { method: 'POST' }],
    ['two upgrades', ['Upgrade', 'h2c'], {}],
    ['two keys', ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='], {}],
    ['two versions', ['sec-websocket-version', '8'], {}],
    ['a body', ['Content-Length', '3'], {}],
  ])('refuses a handshake with %s', (_what, over, how) => {
    expect(handshake(over, how)).toHaveProperty('bad');
  });

  it('refuses a body on GET and HEAD and allows it on DELETE', () => {
    expect(read(['Content-Length', '2'], { method: 'GET' })).toHaveProperty('bad');
    expect(read(['Transfer-Encoding', 'chunked'], { method: 'HEAD' })).toHaveProperty('bad');
    expect(read(['Content-Length', '0'], { method: 'GET' })).toHaveProperty('method', 'GET');
    expect(read(['Content-Length', '2'], { method: 'DELETE' })).toHaveProperty('contentLength', 2);
  });

  it('joins the lines of x-forwarded-for in order', () => {
    expect(read(['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '2.2.2.2'])).toHaveProperty(
      'forwardedFor',
      '1.1.1.1, 2.2.2.2',
    );
  });
});
