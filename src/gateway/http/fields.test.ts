import { describe, expect, it } from 'vitest';
import { answerFields, fieldValue, replaceFields, requestFields, trailerFields } from './fields.ts';

const upstream = {
  host: 'model:11434',
  credential: ['Authorization', 'Bearer upstream-secret'],
  callerCredentials: new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'cookie']),
};

describe('requestFields', () => {
  it('keeps end-to-end lines with case and order and adds host, length and credential', () => {
    const raw = [
      'Host',
      'gw',
      'X-Second',
      '2',
      'x-FIRST',
      '1',
      'X-Second',
      '3',
      'anthropic-version',
      '2023-06-01',
      'User-Agent',
      'x_y',
    ];
    expect(requestFields(raw, upstream, 5, false)).toEqual([
      'Host',
      'model:11434',
      'X-Second',
      '2',
      'x-FIRST',
      '1',
      'X-Second',
      '3',
      'anthropic-version',
      '2023-06-01',
      'User-Agent',
      'x_y',
      'Content-Length',
      '5',
      'Authorization',
      'Bearer upstream-secret',
    ]);
  });

  it('promise 2: nothing says another method, target, host or client than what was decided on', () => {
    const raw = [
      'X-HTTP-Method-Override',
      'DELETE',
      'x-original-url',
      '/admin',
      'X-Rewrite-URL',
      '/admin',
      'X-Host',
      'b',
    ];
    expect(
      requestFields([...raw, 'X-Forwarded-Host', 'b', 'True-Client-IP', '127.0.0.1'], upstream, null, false),
    ).toEqual(['Host', 'model:11434', 'Authorization', 'Bearer upstream-secret']);
  });

  it('promise 8: no credential of the caller goes upstream', () => {
    const raw = [
      'Authorization',
      'Bearer t',
      'X-API-Key',
      't',
      'api-key',
      't',
      'x-goog-api-key',
      't',
      'Cookie',
      's=t',
      'Proxy-Authorization',
      't',
      'X-Amz-Security-Token',
      't',
    ];
    expect(requestFields(raw, { ...upstream, credential: [] }, null, false).join()).toBe('Host,model:11434');
  });

  it('cannot be made to drop the line that it adds by nominating it in Connection', () => {
    const raw = ['Connection', 'Authorization, Content-Length, x-drop', 'X-Drop', '1', 'X-Keep', '1'];
    expect(requestFields(raw, upstream, 5, false)).toEqual([
      'Host',
      'model:11434',
      'X-Keep',
      '1',
      'Content-Length',
      '5',
      'Authorization',
      'Bearer upstream-secret',
    ]);
  });

  it('drops what speaks about one hop, is for the gateway, or claims another client', () => {
    const raw = [
      'Keep-Alive',
      '5',
      'TE',
      'trailers',
      'Transfer-Encoding',
      'chunked',
      'Expect',
      '100-continue',
      'Prefer',
      'wait=5',
      'sallyport-approval',
      'a',
      'X-Forwarded-For',
      '1.1.1.1',
      'Forwarded',
      'for=1',
    ];
    expect(requestFields(raw, { ...upstream, credential: [] }, null, false)).toEqual(['Host', 'model:11434']);
  });

  it('asks for an uncoded answer when it will be read', () => {
    expect(requestFields(['Accept-Encoding', 'gzip, br'], { ...upstream, credential: [] }, null, true)).toEqual([
      'Host',
      'model:11434',
      'Accept-Encoding',
      'identity',
    ]);
  });
});

describe('answerFields', () => {
  it('keeps end-to-end lines and adds the session', () => {
    const raw = [
      'Date',
      'd',
      'X-Request-Id',
      'r',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
      'Connection',
      'x-hop',
      'X-Hop',
      '1',
      'Sallyport-Session',
      'forged',
      'Content-Length',
      '5',
    ];
    expect(answerFields(raw, 's1', false, '')).toEqual([
      'Date',
      'd',
      'X-Request-Id',
      'r',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
      'Content-Length',
      '5',
      'sallyport-session',
      's1',
    ]);
  });

  it('drops what described bytes that masking has changed', () => {
    expect(
      answerFields(['Content-Length', '5', 'ETag', '"x"', 'Digest', 'd', 'Content-Type', 'a'], 's1', true, ''),
    ).toEqual(['Content-Type', 'a', 'sallyport-session', 's1']);
  });

  it('promise 8: a line that echoes the upstream credential is dropped', () => {
    expect(answerFields(['X-Echo', 'Bearer upstream-secret', 'X-Ok', '1'], 's1', false, 'upstream-secret')).toEqual([
      'X-Ok',
      '1',
      'sallyport-session',
      's1',
    ]);
  });
});

describe('fieldValue', () => {
  it('finds a field by its lower-case name', () => {
    expect(fieldValue(['Content-Type', 'a', 'X', 'b'], 'content-type')).toBe('a');
    expect(fieldValue(['X', 'b'], 'content-type')).toBe('');
  });
});

describe('replaceFields', () => {
  it('writes other values in the place of lines, whatever the case of their names', () => {
    const raw = ['X-A', '1', 'INFERENCE-Header-Content-Length', '20', 'X-B', 'x-a'];
    expect(replaceFields(raw, ['Inference-Header-Content-Length', '17'])).toEqual([
      'X-A',
      '1',
      'INFERENCE-Header-Content-Length',
      '17',
      'X-B',
      'x-a',
    ]);
  });

  it('leaves lines alone that nothing is to be said of', () => {
    const raw = ['X-A', '1'];
    expect(replaceFields(raw, [])).toBe(raw);
    expect(replaceFields(raw, ['X-C', '1'])).toEqual(raw);
  });
});

describe('promise 8: a credential of the upstream in what it says', () => {
  const secret = 'a+b/c==';
  const binary = Buffer.from(`x ${secret} y`).toString('base64');
  it.each([
    ['as it is', ['X-Echo', `Bearer ${secret}`]],
    ['percent-escaped', ['Location', `/login?key=${encodeURIComponent(secret)}`]],
    ['in binary metadata', ['x-echo-bin', binary]],
    ['in the second value of binary metadata', ['grpc-status-details-bin', `AAAA,${binary}`]],
  ])('is dropped with its line: %s', (_, line) => {
    expect(trailerFields([...line, 'X-Kept', '%zz'], secret)).toEqual(['X-Kept', '%zz']);
    expect(answerFields(line, 's', false, secret)).toEqual(['sallyport-session', 's']);
  });
});
