import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../test/support/certificates.ts';
import type { SecretRef } from '../config.ts';
import { readTls } from './tls-material.ts';

const authority = createAuthority();
const { cert, key } = authority.issue('model.internal');
const other = authority.issue('model.internal');

/** Reads parts that hold these texts. */
const reading = (texts: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>) => {
  const ref = (name: 'ca' | 'cert' | 'key'): { readonly at: string; readonly ref: SecretRef | undefined } => ({
    at: `here.${name}`,
    ref: texts[name] === undefined ? undefined : { env: name },
  });
  return readTls({ ca: ref('ca'), cert: ref('cert'), key: ref('key') }, (at) => {
    const name = 'env' in at ? at.env : '';
    const text = name === 'ca' || name === 'cert' || name === 'key' ? texts[name] : undefined;
    if (text === undefined || text === '') throw new Error('it is empty');
    return text;
  });
};

describe('readTls', () => {
  it('returns what there is, and nothing for what there is not', () => {
    expect(reading({ ca: authority.cert, cert, key })).toEqual({ ca: authority.cert, cert, key });
    expect(reading({ ca: authority.cert })).toEqual({ ca: authority.cert });
    expect(reading({})).toEqual({});
  });

  it.each([
    ['an authority that is no certificate', { ca: 'trust me' }, 'here.ca: expected certificates in PEM'],
    ['a key in place of a certificate', { cert: key, key }, 'here.cert: expected a certificate in PEM'],
    ['a certificate in place of a key', { cert, key: cert }, 'here.key: expected a private key in PEM'],
    ['a key of another certificate', { cert, key: other.key }, 'here.key: expected the private key of the certificate'],
    ['what cannot be read', { ca: '' }, 'here.ca: it is empty'],
  ])('refuses %s, and says where it stands', (_what, texts, said) => {
    expect(() => reading(texts)).toThrow(said);
  });
});
