import { createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decryptValues, encryptionKeys, encryptValue } from './encrypt.ts';
import { compileTextMasker, type TextMasker } from './text-masker.ts';

const SECRET = Buffer.alloc(32, 7).toString('base64');
const keys = encryptionKeys(SECRET);
const masker = compileTextMasker(
  [{ entities: ['email', 'secret'], with: 'encrypt', encryption: keys }],
  randomBytes(32),
);
const whole = (one: TextMasker, text: string): string => one.whole(text, () => {});
const PEM = `-----BEGIN PRIVATE KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0B\n'.repeat(40)}-----END PRIVATE KEY-----`;
const TEXT = `to jörg@münchen.de and bob@example.com with ${PEM}!`;

describe('the operator encrypt', () => {
  it('puts in what the key turns back into the text, and nothing of the values', () => {
    const masked = whole(masker, TEXT);
    expect(masked).toMatch(/^to <EMAIL:sp1\.[\w-]+> and <EMAIL:sp1\.[\w-]+> with <SECRET:sp1\.[\w-]+>!$/);
    expect(masked).not.toMatch(/bob|example|MIIE/);
    expect(decryptValues(keys, masked)).toEqual({ text: TEXT, opened: 3, closed: 0 });
  });

  it('is the same for a text in pieces, and for the same value in every call', () => {
    const stream = masker.session().stream(() => {});
    let out = '';
    for (let at = 0; at < TEXT.length; at++) out += stream.push(TEXT.charAt(at));
    expect(out + stream.end()).toBe(whole(masker, TEXT));
    expect(whole(masker.session(), TEXT)).toBe(whole(masker, TEXT));
  });

  it('is what its documentation says, read with nothing but AES-GCM and HMAC', () => {
    const derive = (use: string) =>
      createHmac('sha256', Buffer.alloc(32, 7)).update(`sallyport mask ${use} v1`).digest();
    const [, encoded = ''] = /<EMAIL:sp1\.([\w-]+)>/.exec(encryptValue(keys, 'EMAIL', 'bob@example.com')) ?? [];
    const bytes = Buffer.from(encoded, 'base64url');
    const data = Buffer.from('sallyport mask encrypt v1\0EMAIL');
    const nonce = createHmac('sha256', derive('encrypt nonce')).update(data).update('\0bob@example.com').digest();
    expect(bytes.subarray(0, 12)).toEqual(nonce.subarray(0, 12));
    const decipher = createDecipheriv('aes-256-gcm', derive('encrypt'), bytes.subarray(0, 12));
    decipher.setAAD(data).setAuthTag(bytes.subarray(-16));
    expect(decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')).toBe(
      'bob@example.com',
    );
  });

  it('opens nothing that was changed, renamed or encrypted under another key', () => {
    const sealed = encryptValue(keys, 'EMAIL', 'bob@example.com');
    const changed = sealed.replace(/.(?=.>)/, (unit) => (unit === 'A' ? 'B' : 'A'));
    for (const text of [changed, sealed.replace('EMAIL', 'PHONE'), '<EMAIL:sp1.AAAA>'])
      expect(decryptValues(keys, text)).toEqual({ text, opened: 0, closed: 1 });
    const other = encryptionKeys(Buffer.alloc(32, 8).toString('base64'));
    expect(decryptValues(other, sealed)).toEqual({ text: sealed, opened: 0, closed: 1 });
  });

  it('lets a value that is too long for it block, and lets nothing of it out', () => {
    const stream = masker.session().stream(() => {});
    expect(stream.push('-----BEGIN PRIVATE KEY-----\n')).toBe('');
    const fill = (): void => {
      for (let at = 0; at < 100; at++) expect(stream.push('MIIEvQIBADANBgkqhkiG9w0B\n'.repeat(40))).toBe('');
    };
    expect(fill).toThrow(expect.objectContaining({ reason: 'mask-blocked' }));
  });

  it('refuses a key that is not 32 bytes in base64, and does not repeat it', () => {
    for (const bad of ['', 'hunter2', Buffer.alloc(16).toString('base64'), 'a'.repeat(64)]) {
      expect(() => encryptionKeys(bad)).toThrow('expected a key of 32 bytes in base64');
      expect(() => encryptionKeys(bad)).not.toThrow(bad === '' ? 'nothing' : bad);
    }
  });
});
