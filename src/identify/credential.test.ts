import { describe, expect, test } from 'vitest';
import { CREDENTIAL_HEADERS, readCredential } from './credential.ts';
import { Refusal } from './refusal.ts';

const read = (rawHeaders: readonly string[], query = ''): string => {
  const found = readCredential({ rawHeaders, query });
  return found instanceof Refusal ? found.reason : found;
};

describe('the one credential', () => {
  test.each(['x-api-key', 'api-key', 'x-goog-api-key', 'X-API-Key'])('is read from %s', (name) => {
    expect(read(['Host', 'h', name, 'T'])).toBe('T');
  });

  test.each(['Bearer T', 'bearer T', 'BEARER   T'])('is read from Authorization: %s', (value) => {
    expect(read(['authorization', value])).toBe('T');
  });

  test('is read from the subprotocol of the OpenAI realtime client', () => {
    const value = 'realtime, openai-insecure-api-key.a.b.c, openai-beta.realtime-v1';
    expect(read(['Sec-WebSocket-Protocol', value])).toBe('a.b.c');
  });

  test('is missing when nothing carries one', () => {
    expect(read(['Host', 'h', 'Sec-WebSocket-Protocol', 'realtime'])).toBe('no-token');
  });

  test.each([
    ['Authorization', 'Bearer'],
    ['Authorization', 'Bearer '],
    ['x-api-key', ''],
  ])('is missing when %s is "%s"', (name, value) => {
    expect(read([name, value])).toBe('no-token');
  });

  test('may stand in two places', () => {
    expect(read(['Authorization', 'Bearer T', 'x-api-key', 'T'])).toBe('T');
  });

  test('may stand twice in the same header', () => {
    expect(read(['Authorization', 'Bearer T', 'authorization', 'Bearer T'])).toBe('T');
  });

  test.each([
    ['two headers', ['Authorization', 'Bearer T', 'api-key', 'U']],
    ['one header, twice', ['x-api-key', 'T', 'X-Api-Key', 'U']],
    ['a token and another scheme', ['Authorization', 'Basic dTpw', 'x-api-key', 'T']],
    ['two subprotocols', ['Sec-WebSocket-Protocol', 'openai-insecure-api-key.T, openai-insecure-api-key.U']],
  ])('is refused when two differ: %s', (_, raw) => {
    expect(read(raw)).toBe('token-conflict');
  });

  test('is not taken from a name that merely looks alike', () => {
    expect(read(['x_api_key', 'T', 'xx-api-ke', 'T', 'proxy-authorization', 'Bearer T', 'cookie', 'T'])).toBe(
      'no-token',
    );
  });
});

describe('a credential in the query is refused', () => {
  test.each([
    'key=T',
    'a=1&key=T',
    'a=1;key=T',
    'access_token=T',
    'KEY=T',
    'k%65y=T',
    '%6B%65%79=T',
    'access%5Ftoken=T',
    'key%00=T',
    '+key=T',
    'key',
    'key=',
  ])('%s', (query) => {
    expect(read(['x-api-key', 'T'], query)).toBe('token-in-query');
  });

  test.each(['keys=1', 'monkey=1', 'a=key', 'a=1%26key%3D2', 'key%zz=1', 'api-version=2024&tokens=5'])(
    'but %s is none',
    (query) => {
      expect(read(['x-api-key', 'T'], query)).toBe('T');
    },
  );
});

test('every place that is read, and every other credential of a browser, is one that never goes upstream', () => {
  const names = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'sec-websocket-protocol'];
  for (const name of [...names, 'proxy-authorization', 'cookie']) expect(CREDENTIAL_HEADERS).toContain(name);
});
