import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Caller, CanonicalRequest } from '../call.ts';
import { approvalHashes, type EnvelopeParts, envelopeDigests } from './envelope.ts';

const caller: Caller = {
  issuer: 'https://idp.example',
  subject: 'alice',
  kind: 'human',
  groups: ['ml'],
  claims: { act: { sub: 'agent' }, cnf: { jkt: 'k' }, iat: 1 },
  expiresAt: 1,
};
const request: CanonicalRequest = {
  method: 'POST',
  service: 'llm',
  path: '/v1/messages',
  query: 'beta=true',
  rawHeaders: [
    'Content-Type',
    'application/json',
    'anthropic-beta',
    'b1',
    'User-Agent',
    'sdk/1',
    'authorization',
    'Bearer x',
  ],
  source: '192.0.2.1',
};
const parts: EnvelopeParts = {
  caller,
  request,
  upstream: 'http://127.0.0.1:1',
  model: 'm',
  body: Buffer.from('{"a":1}'),
  forwarded: Buffer.from('{"a":"x"}'),
  policy: 'f'.repeat(64),
};

const digests = (over: Partial<EnvelopeParts> = {}) => envelopeDigests({ ...parts, ...over });
const withRequest = (over: Partial<CanonicalRequest>) => digests({ request: { ...request, ...over } });
const withCaller = (over: Partial<Caller>) => digests({ caller: { ...caller, ...over } });

describe('the digest of a call', () => {
  it('is SHA-256 over canonical JSON, and the same for the same call', () => {
    expect(digests()).toEqual(digests());
    const call =
      '{"act":"{\\"sub\\":\\"agent\\"}","body":"BODY","caller":["https://idp.example","alice"],"cnf":"{\\"jkt\\":\\"k\\"}",' +
      '"fields":[["content-type","application/json"],["anthropic-beta","b1"]],"method":"POST","path":"/v1/messages",' +
      '"query":"beta=true","service":"llm","v":1}';
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(digests().call).toBe(hash(call.replace('BODY', hash('{"a":1}'))));
  });

  it.each([
    ['the subject', withCaller({ subject: 'bob' })],
    ['the issuer', withCaller({ issuer: 'https://other.example' })],
    ['who acts', withCaller({ claims: { ...caller.claims, act: { sub: 'other' } } })],
    ['the key that the token is bound to', withCaller({ claims: { ...caller.claims, cnf: { jkt: 'l' } } })],
    ['the service', withRequest({ service: 'other' })],
    ['the method', withRequest({ method: 'PUT' })],
    ['the path', withRequest({ path: '/v1/complete' })],
    ['the query', withRequest({ query: '' })],
    [
      'a field that the model server reads',
      withRequest({ rawHeaders: ['Content-Type', 'application/json', 'anthropic-beta', 'b2'] }),
    ],
    ['the body', digests({ body: Buffer.from('{"a":2}') })],
    ['no body', digests({ body: null })],
  ])('is that of another call when %s differs', (_what, other) => {
    expect(other.call).not.toBe(digests().call);
    expect(other.digest).not.toBe(digests().digest);
  });

  it.each([
    ['the model server', digests({ upstream: 'http://127.0.0.1:2' })],
    ['the model', digests({ model: 'n' })],
    ['the bytes that would be forwarded', digests({ forwarded: Buffer.from('{"a":"y"}') })],
    ['the rules that decide', digests({ policy: 'e'.repeat(64) })],
  ])('is that of the same call with another meaning when %s differs', (_what, other) => {
    expect(other.call).toBe(digests().call);
    expect(other.digest).not.toBe(digests().digest);
  });

  it('does not depend on what a retry may change: other fields, a renewed token, the address', () => {
    const again = digests({
      request: {
        ...request,
        source: '198.51.100.7',
        rawHeaders: [
          'content-type',
          'application/json',
          'X-Stainless-Retry-Count',
          '1',
          'Anthropic-Beta',
          'b1',
          'sallyport-approval',
          'ap-1',
        ],
      },
      caller: { ...caller, expiresAt: 2, claims: { ...caller.claims, iat: 2 } },
    });
    expect(again).toEqual(digests());
  });

  it('has one for every name that a body can spell', () => {
    const lone = JSON.parse('"\\ud800"') as unknown;
    expect(typeof lone === 'string' && digests({ model: lone }).digest).not.toBe(digests({ model: '\ufffd' }).digest);
  });
});

describe('what is shown of a digest', () => {
  it('is keyed: nobody can try short prompts against it', () => {
    const [ours, theirs] = [approvalHashes(new Uint8Array(32)), approvalHashes(new Uint8Array(32).fill(1))];
    const { digest } = digests();
    expect(ours.digest(digest)).toMatch(/^[0-9a-f]{64}$/);
    expect(ours.digest(digest)).not.toBe(digest);
    expect(ours.digest(digest)).not.toBe(theirs.digest(digest));
    expect(ours.digest(digest)).toBe(approvalHashes(new Uint8Array(32)).digest(digest));
  });

  it('takes people apart by issuer and subject, however they are cut', () => {
    const hashes = approvalHashes(new Uint8Array(32));
    const people = [
      ['a', 'b'],
      ['a"', 'b'],
      ['a', '"b'],
      ['ab', ''],
    ] as const;
    expect(new Set(people.map(([issuer, subject]) => hashes.subject(issuer, subject))).size).toBe(4);
  });
});
