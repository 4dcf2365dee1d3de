import { describe, expect, it } from 'vitest';
import { headerListSize, readHttp2Head } from './http2-head.ts';

const PSEUDO = [':method', 'POST', ':scheme', 'http', ':path', '/llm/v1/x', ':authority', 'gw.example:8080'];

describe('readHttp2Head', () => {
  it('makes the authority the host and keeps the fields in order', () => {
    expect(readHttp2Head([...PSEUDO, 'x-b', '1', 'x-a', '2', 'te', 'trailers'], false)).toEqual({
      method: 'POST',
      url: '/llm/v1/x',
      httpVersion: '2.0',
      rawHeaders: ['Host', 'gw.example:8080', 'x-b', '1', 'x-a', '2', 'te', 'trailers'],
      unframed: true,
    });
  });

  it('takes a host field where there is no authority, and the same one beside it', () => {
    const bare = PSEUDO.slice(0, 6);
    expect(readHttp2Head([...bare, 'host', 'h'], true)).toMatchObject({ rawHeaders: ['Host', 'h'] });
    const same = readHttp2Head([...PSEUDO, 'host', 'gw.example:8080'], true);
    expect(same).toMatchObject({ rawHeaders: ['Host', 'gw.example:8080'] });
  });

  it('says that a body without a length follows only when one does', () => {
    expect(readHttp2Head(PSEUDO, true)).toHaveProperty('unframed', false);
    expect(readHttp2Head([...PSEUDO, 'content-length', '4'], false)).toHaveProperty('unframed', false);
    expect(readHttp2Head(PSEUDO, false)).toHaveProperty('unframed', true);
  });

  it.each<[string, readonly string[]]>([
    ['a line feed that would begin another field', ['x', 'a\nx-api-key: k']],
    ['a line end that would begin another request', ['x', 'a\r\n\r\nGET /admin HTTP/1.1\r\n\r\n']],
    ['a carriage return', ['x', 'a\rb']],
    ['a NUL', ['x', 'a\0b']],
    ['a blank ahead of a value', ['x', ' a']],
    ['a blank behind a value', ['x', 'a\t']],
    ['an upper-case name', ['X-Up', 'a']],
    ['a name with a colon', ['x:y', 'a']],
    ['a name with a line end', ['x\r\ny', 'a']],
    ['a name with a blank', ['x y', 'a']],
    ['an empty name', ['', 'a']],
    ['transfer-encoding', ['transfer-encoding', 'chunked']],
    ['connection', ['connection', 'x-api-key']],
    ['keep-alive', ['keep-alive', 'x']],
    ['proxy-connection', ['proxy-connection', 'x']],
    ['upgrade', ['upgrade', 'websocket']],
    ['http2-settings', ['http2-settings', 'AAMAAABk']],
    ['te that is more than trailers', ['te', 'trailers, gzip']],
    ['a second path', [':path', '/other']],
    ['a second authority', [':authority', 'other']],
    ['a pseudo field behind a field', ['x', 'y', ':path', '/other']],
    ['a pseudo field behind a host', ['host', 'gw.example:8080', ':method', 'GET']],
    ['the pseudo field of another protocol', [':protocol', 'websocket']],
    ['the pseudo field of an answer', [':status', '200']],
    ['a host that is not the authority', ['host', 'other']],
    ['two hosts', ['host', 'gw.example:8080', 'host', 'gw.example:8080']],
    ['a length without a body', ['content-length', '5']],
  ])('refuses %s', (_what, fields) => {
    expect(readHttp2Head([...PSEUDO, ...fields], true)).toHaveProperty('bad');
  });

  it('refuses a scheme that is not ours', () => {
    expect(readHttp2Head(PSEUDO.with(3, 'ftp'), true)).toHaveProperty('bad');
    expect(readHttp2Head(PSEUDO.toSpliced(2, 2), true)).toHaveProperty('bad');
  });

  it('refuses a line end in a pseudo field', () => {
    expect(readHttp2Head(PSEUDO.with(5, '/ HTTP/1.1\r\nx: y'), true)).toHaveProperty('bad');
    expect(readHttp2Head(PSEUDO.with(7, 'a\r\nx: y'), true)).toHaveProperty('bad');
  });
});

describe('headerListSize', () => {
  it('counts as RFC 9113 §6.5.2 does', () => {
    expect(headerListSize(['ab', 'c', 'd', ''])).toBe(2 * 32 + 4);
  });
});
