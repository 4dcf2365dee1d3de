import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompress, isReadableCoding, readableCodings } from './coding.ts';
import { decodeMessage, encodeMessage, statusFields, statusOfReset } from './status.ts';
import { readTimeout, showTimeout } from './timeout.ts';
import { editBytesTensor } from '../bytes-tensor.ts';
import { FieldReader } from './protobuf.ts';

const limits = { longest: 10_000, tooLong: 'body-too-large', unreadable: 'body-unreadable' } as const;

describe('message compression', () => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('reads %s', async (coding, compress) => {
    const message = Buffer.alloc(10_000, 'abc');
    expect((await decompress(compress(message), coding, limits)).equals(message)).toBe(true);
  });

  it('stops at the limit of a bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(60_000);
    await expect(decompress(bomb, 'gzip', limits)).rejects.toMatchObject({ reason: 'body-too-large' });
  });

  it.each(['', 'identity', 'zstd', 'snappy', 'toString'])(
    'cannot read a compressed message of a stream in %j',
    async (coding) => {
      await expect(decompress(Buffer.from('x'), coding, limits)).rejects.toMatchObject({ reason: 'body-unreadable' });
    },
  );

  it('refuses what is not compressed as it says', async () => {
    await expect(decompress(Buffer.from('plain'), 'gzip', limits)).rejects.toMatchObject({ reason: 'body-unreadable' });
    await expect(decompress(gzipSync('cut').subarray(0, 10), 'gzip', limits)).rejects.toMatchObject({
      reason: 'body-unreadable',
    });
  });

  it('offers the codings that it reads', () => {
    expect(readableCodings('identity, deflate,gzip,zstd')).toBe('identity,deflate,gzip');
    expect(readableCodings('')).toBe('identity');
    expect(['', 'identity', 'gzip', 'deflate', 'br', 'gzip,gzip'].filter(isReadableCoding)).toEqual([
      '',
      'identity',
      'gzip',
      'deflate',
    ]);
  });
});

describe('grpc-timeout', () => {
  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['99999999m', 99_999_999],
    ['250u', 0.25],
    ['0n', 0],
  ])('reads %s', (text, ms) => expect(readTimeout(text)).toBe(ms));

  it.each(['', '5', 'S', '-1S', '1.5S', '123456789m', '1s', ' 1S', '1S1S'])('refuses %j', (text) =>
    expect(readTimeout(text)).toBeNull(),
  );

  it('writes what it reads', () => {
    for (const ms of [0, 1, 1.2, 99_999_999, 1e8, 1e12, 1e15]) {
      const back = readTimeout(showTimeout(ms));
      expect(back).not.toBeNull();
      expect(back).toBeGreaterThanOrEqual(Math.min(ms, 99_999_999 * 60_000));
    }
  });
});

describe('status', () => {
  it('percent-encodes messages and reads them back, broken ones too', () => {
    const text = '100% of "plain"\n\té € 😀 ~ ';
    expect(encodeMessage(text)).toMatch(/^[\x20-\x7e]*$/);
    expect(decodeMessage(encodeMessage(text))).toBe(text);
    expect(encodeMessage('a%b')).toBe('a%25b');
    expect(decodeMessage('100%')).toBe('100%');
    expect(decodeMessage('%zz%41')).toBe('%zzA');
  });

  it('carries google.rpc.Status with an ErrorInfo', () => {
    const fields = statusFields({
      status: 403,
      reason: 'approval-required',
      title: 'A human must approve this call.',
      detail: 'Ask group:ml-leads.',
      session: 's1',
      extra: { approval: 'a1' },
    });
    expect(fields.slice(0, 4)).toEqual([
      'grpc-status',
      '9',
      'grpc-message',
      'A human must approve this call. Ask group:ml-leads.',
    ]);
    const bytes = Buffer.from(fields[5] ?? '', 'base64');
    const reader = new FieldReader(bytes);
    expect(reader.next() && reader.integer()).toBe(9n);
    expect(bytes.includes('type.googleapis.com/google.rpc.ErrorInfo')).toBe(true);
    for (const word of ['approval-required', 'sallyport', 'session', 's1', 'approval', 'a1'])
      expect(bytes.includes(word)).toBe(true);
  });

  it('gives resets the status that clients give them', () => {
    expect([0, 2, 5, 7, 8, 11, 12, 99].map(statusOfReset)).toEqual([13, 13, 2, 14, 1, 8, 7, 2]);
  });
});

describe('BYTES tensors', () => {
  const write = (...elements: readonly string[]): Buffer =>
    Buffer.concat(
      elements.map((element) => {
        const head = Buffer.alloc(4);
        head.writeUInt32LE(Buffer.byteLength(element));
        return Buffer.concat([head, Buffer.from(element)]);
      }),
    );

  it('keeps every byte when nothing is replaced', () => {
    const bytes = write('hello', '', 'é');
    expect(editBytesTensor(bytes, () => null)).toBe(bytes);
    expect(editBytesTensor(Buffer.alloc(0), () => null).length).toBe(0);
  });

  it('recomputes the lengths of what is replaced', () => {
    const edited = editBytesTensor(write('a', 'bb', 'ccc'), (element, index) =>
      index === 1 ? Buffer.from(`<${element.toString()}>`) : null,
    );
    expect(edited.equals(write('a', '<bb>', 'ccc'))).toBe(true);
  });

  it('refuses elements that do not fill the tensor', () => {
    const bytes = write('hello');
    for (let cut = 1; cut < bytes.length; cut++)
      expect(() => editBytesTensor(bytes.subarray(0, cut), () => null)).toThrow('fill it exactly');
  });
});
