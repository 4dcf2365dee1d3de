import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { isMetadataAddress, openUpstream } from './upstream.ts';

const service = (url: string) =>
  configSchema.parse({
    identity: { issuers: [{ issuer: 'https://idp.example', audience: 'a' }] },
    services: [{ name: 'llm', protocol: 'openai', upstream: { url } }],
  }).services[0]!;

describe('isMetadataAddress', () => {
  it.each([
    '169.254.169.254',
    '169.254.170.2',
    '::ffff:169.254.169.254',
    '100.100.100.200',
    'fd00:ec2::254',
    'fe80::1',
  ])('knows %s, where credentials are handed out', (address) => expect(isMetadataAddress(address)).toBe(true));

  it.each(['127.0.0.1', '10.0.0.7', '::1', '2001:db8::1', 'metadata.example'])('leaves %s alone', (address) =>
    expect(isMetadataAddress(address)).toBe(false),
  );
});

describe('openUpstream', () => {
  it('refuses an upstream that is such an address', () => {
    expect(() => openUpstream(service('http://169.254.169.254/latest'), new Set())).toThrow('169.254.169.254');
    expect(() => openUpstream(service('http://[::ffff:a9fe:a9fe]/'), new Set())).toThrow('metadata');
  });

  it('keeps the mount path of a server and its host', async () => {
    const upstream = openUpstream(service('http://127.0.0.1:9/base/'), new Set());
    expect(upstream).toMatchObject({ mount: '/base', fields: { host: '127.0.0.1:9', credential: [] } });
    await upstream.close();
  });

  it('tells the call that a server cannot be reached, and nobody else', async () => {
    const upstream = openUpstream(service('http://127.0.0.1:9'), new Set());
    await expect(upstream.pool.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await upstream.close();
  });
});
