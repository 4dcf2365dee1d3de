import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signer, type Signable } from './sigv4.ts';

const KEYS = {
  region: 'eu-central-1',
  service: 'bedrock',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: '',
};
const NOW = Date.UTC(2026, 10, 26, 10, 11, 12, 345);

type Data = string | ArrayBuffer | ArrayBufferView;

const bytesOf = (data: Data): Uint8Array => {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
};

/** SHA-256 as the SDK asks for it. */
class Sha256 {
  private readonly hash;

  constructor(secret?: Data) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  reset(): void {}

  update(data: Data): void {
    this.hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }
}

/** What the signer of the AWS SDK makes of the same request. */
const bySdk = async (
  { method, path, query, host, contentType, body }: Signable,
  sessionToken: string,
): Promise<string> => {
  const { region, service, ...keys } = KEYS;
  const sdk = new SignatureV4({ region, service, sha256: Sha256, credentials: { ...keys, sessionToken } });
  const headers = { host, ...(contentType === '' ? {} : { 'content-type': contentType }) };
  const pairs = new URLSearchParams(query);
  const request = {
    method,
    protocol: 'https:',
    hostname: host,
    path,
    headers,
    query: Object.fromEntries(pairs),
    ...(body === null ? {} : { body }),
  };
  const signed = await sdk.sign(request, { signingDate: new Date(NOW) });
  return signed.headers['authorization'] ?? '';
};

const fieldOf = (fields: readonly string[], name: string): string => fields[fields.indexOf(name) + 1] ?? '';

describe('a signature for AWS', () => {
  it('is the one that the AWS SDK makes', async () => {
    const segment = fc.oneof(
      fc.constantFrom(
        'model',
        'anthropic.claude-3%3A0',
        'arn%3Aaws%3Abedrock%3Aus-east-1%2Fx',
        'a:b',
        "it's(1)*!",
        '~x_y',
      ),
      fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,5}$/),
    );
    const requests = fc.record({
      method: fc.constantFrom('POST', 'GET', 'DELETE'),
      path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
      query: fc.constantFrom('', 'a=1', 'b=2&a=1', 'x=%20y', 'k=a%2Bb'),
      host: fc.constantFrom('bedrock-runtime.eu-central-1.amazonaws.com', '127.0.0.1:9'),
      contentType: fc.constantFrom('', 'application/json', 'application/json; charset=utf-8'),
      body: fc.option(fc.string().map((text) => Buffer.from(text))),
    });
    await fc.assert(
      fc.asyncProperty(requests, fc.constantFrom('', 'FwoGZXIvYXdzEXAMPLE=='), async (request, sessionToken) => {
        const fields = signer({ ...KEYS, sessionToken }, () => NOW)(request);
        expect(fieldOf(fields, 'Authorization')).toBe(await bySdk(request, sessionToken));
        expect(fieldOf(fields, 'X-Amz-Date')).toBe('20261126T101112Z');
      }),
      { numRuns: 300 },
    );
  });

  it('is made with the key of the day', () => {
    let now = NOW;
    const sign = signer(KEYS, () => now);
    const request: Signable = { method: 'GET', path: '/', query: '', host: 'h', contentType: '', body: null };
    const first = sign(request);
    expect(sign(request)).toEqual(first);
    now += 86_400_000;
    expect(fieldOf(sign(request), 'Authorization')).toContain('/20261127/eu-central-1/bedrock/aws4_request');
    expect(sign(request)).toEqual(signer(KEYS, () => now)(request));
  });
});
