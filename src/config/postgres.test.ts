import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../test/support/certificates.ts';
import { configSchema } from '../config.ts';
import { readPostgres } from './postgres.ts';
import { parseConfig } from './file.ts';

const read = (url: string, more: object = {}, secrets: Readonly<Record<string, string>> = {}) => {
  const { postgres } = configSchema.shape.store.parse({ postgres: { url: { env: 'URL' }, ...more } });
  if (postgres === undefined) throw new Error('expected a database');
  return readPostgres(postgres, (ref) => ('env' in ref && ref.env !== 'URL' ? (secrets[ref.env] ?? '') : url));
};

describe('store.postgres', () => {
  it('is read from a URL, with what is percent-encoded in it', () => {
    expect(read('postgres://gate:p%40ss%2Fword@db.example.com:6543/limits')).toEqual({
      host: 'db.example.com',
      port: 6543,
      user: 'gate',
      password: 'p@ss/word',
      database: 'limits',
      tls: {},
      schema: 'sallyport',
      key: null,
    });
    expect(read('postgresql://gate@db.example.com')).toMatchObject({
      port: 5432,
      password: undefined,
      database: 'gate',
    });
  });

  it.each([
    ['another machine', 'postgres://u:p@db.example.com/d', {}, {}],
    ['another machine by address', 'postgres://u:p@10.0.0.7/d', {}, {}],
    ['this machine', 'postgres://u:p@127.0.0.1/d', {}, null],
    ['this machine over IPv6', 'postgres://u:p@[::1]/d', {}, null],
    ['a Unix socket', 'postgres://u@localhost/d?host=/run/postgresql', {}, null],
    ['this machine, with TLS', 'postgres://u:p@localhost/d', { tls: {} }, {}],
    ['another machine, without', 'postgres://u:p@db.example.com/d', { tls: 'off' }, null],
  ])('speaks to %s with TLS or without', (_what, url, more, tls) => {
    expect(read(url, more).tls).toEqual(tls);
  });

  it('believes the authority that is named', () => {
    const { cert } = createAuthority();
    expect(read('postgres://u:p@db.example.com/d', { tls: { ca: { env: 'CA' } } }, { CA: cert }).tls).toEqual({
      ca: cert,
    });
    expect(() => read('postgres://u:p@h/d', { tls: { ca: { env: 'CA' } } }, { CA: 'x' })).toThrow(
      'store.postgres.tls.ca: expected certificates in PEM',
    );
  });

  it.each([
    ['no URL', 'secret-5f1c'],
    ['another kind of URL', 'https://u:secret-5f1c@h/d'],
    ['no user', 'postgres://db.example.com/secret-5f1c'],
    ['a parameter that says what TLS is', 'postgres://u:secret-5f1c@h/d?sslmode=disable'],
    ['percent-encoding that is none', 'postgres://u:secret-5f1c%ff@h/d'],
  ])('refuses %s, and says nothing of what is in it', (_what, url) => {
    const message = (): string => {
      try {
        read(url);
        return '';
      } catch (error) {
        return String(error);
      }
    };
    expect(message()).toContain('store.postgres.url: expected');
    expect(message()).not.toContain('secret-5f1c');
  });

  it('refuses a key that is easily guessed', () => {
    expect(() => read('postgres://u:p@h/d', { key: { env: 'K' } }, { K: 'short' })).toThrow('at least 16 characters');
  });

  it('is by reference: a URL in the file is refused without being shown', () => {
    const text =
      'identity: { issuers: [] }\nservices: []\nstore: { postgres: { url: "postgres://u:secret-5f1c@h/d" } }\n';
    expect(() => parseConfig(text, 'sallyport.yaml')).toThrow(/store\.postgres\.url: expected a reference to a secret/);
    expect(() => parseConfig(text, 'sallyport.yaml')).not.toThrow(/secret-5f1c/);
  });
});
