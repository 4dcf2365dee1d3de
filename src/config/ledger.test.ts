import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../test/support/certificates.ts';
import { configSchema } from '../config.ts';
import { readAuthority } from './ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-authority-'));
afterAll(() => rmSync(folder, { recursive: true }));

const configWith = (certificate: string) => ({
  ledger: configSchema.shape.ledger.parse({ timestamps: { url: 'http://tsa.example', certificate } }),
});

describe('the certificate of a time-stamp authority', () => {
  it('is nobody where the config names none', () => {
    expect(readAuthority({ ledger: configSchema.shape.ledger.parse({}) }, folder)).toBeNull();
  });

  it('is told of by its place in the config, its file and what is wrong with it', () => {
    writeFileSync(join(folder, 'no.pem'), 'trust me');
    // good for servers, not for time-stamps
    writeFileSync(join(folder, 'ca.pem'), createAuthority().cert);
    const read = (file: string) => () => readAuthority(configWith(file), folder);
    const expected = 'ledger.timestamps.certificate: expected the certificate of a time-stamp authority in PEM in ';
    expect(read('missing.pem')).toThrow(`${expected}${join(folder, 'missing.pem')}: it cannot be read (ENOENT)`);
    expect(read('.')).toThrow(`${expected}${folder}: it cannot be read (EISDIR)`);
    for (const file of ['no.pem', 'ca.pem']) expect(read(file)).toThrow(`${expected}${join(folder, file)}: `);
    expect(read('ca.pem')).not.toThrow('cannot be read');
  });
});
