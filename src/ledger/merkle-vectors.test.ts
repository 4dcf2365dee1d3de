import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyConsistency, verifyInclusion, verifySubtreeConsistency, verifySubtreeInclusion } from './proof.ts';

// transparency-dev/merkle testdata: each file is one proof and says whether it must be refused.
const folder = process.env['SALLYPORT_VECTORS'];

interface Vector {
  readonly wantErr: boolean;
  readonly proof: readonly string[] | null;
  readonly [field: string]: unknown;
}

type Check = (vector: Vector, proof: readonly Uint8Array[]) => boolean;

// The files spell an empty hash as null too, and numbers beyond 2^53 lose their last digits: both must be refused.
const bytes = (base64: unknown): Uint8Array => Uint8Array.fromBase64(typeof base64 === 'string' ? base64 : '');
const number = (value: unknown): number => Number(value ?? 0);

const CHECKS: Readonly<Record<string, Check>> = {
  inclusion: (v, proof) =>
    verifyInclusion(number(v['leafIdx']), number(v['treeSize']), bytes(v['leafHash']), proof, bytes(v['root'])),
  consistency: (v, proof) =>
    verifyConsistency(number(v['size1']), number(v['size2']), proof, bytes(v['root1']), bytes(v['root2'])),
  subtreeinclusion: (v, proof) =>
    verifySubtreeInclusion(
      number(v['leafIdx']),
      number(v['start']),
      number(v['end']),
      bytes(v['leafHash']),
      proof,
      bytes(v['root']),
    ),
  subtreeconsistency: (v, proof) =>
    verifySubtreeConsistency(
      number(v['start']),
      number(v['end']),
      number(v['size']),
      proof,
      bytes(v['root1']),
      bytes(v['root2']),
    ),
};

if (folder === undefined) {
  console.warn('merkle vectors: not run, set SALLYPORT_VECTORS to a folder with transparency-dev/merkle testdata');
  test('vectors: not run, set SALLYPORT_VECTORS', () => expect(folder).toBeUndefined());
} else {
  const root = join(folder, 'merkle');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));

  test('the folder holds the 518 files of the published set', () => expect(files.length).toBe(518));

  describe.each(Object.entries(CHECKS))('%s', (kind, check) => {
    const own = files.filter((name) => name.startsWith(`${kind}/`));
    test.each(own)('%s', (name) => {
      const vector: Vector = JSON.parse(readFileSync(join(root, name), 'utf8'));
      expect(check(vector, (vector.proof ?? []).map(bytes)), String(vector['desc'])).toBe(!vector.wantErr);
    });
  });
}
