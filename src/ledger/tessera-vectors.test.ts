import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesIn, readMemory, withFile } from '../../test/ledger/memory-log.ts';
import { newFolder } from '../../test/ledger/small-log.ts';
import { decodeBundle } from './bundle.ts';
import { historyEntry } from './history.ts';
import { openLog } from './log.ts';
import { parseSigner } from './note-key.ts';
import { verifyLog } from './verify.ts';

// transparency-dev/tessera testdata/log: 15 leaves by another writer, with every checkpoint and every partial tile.
const folder = process.env['SALLYPORT_VECTORS'];
// The key pair that tessera publishes for this log, made for tests.
const signer = parseSigner(
  'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg',
);
const SIZE = 15;

if (folder === undefined) {
  console.warn('tessera vectors: not run, set SALLYPORT_VECTORS to a folder with transparency-dev/tessera testdata');
  test('vectors: not run, set SALLYPORT_VECTORS', () => expect(folder).toBeUndefined());
} else {
  const root = join(folder, 'tessera/log');
  const checkpoint = (size: number): string => readFileSync(join(root, `checkpoint.${size}`), 'utf8');
  const entries = decodeBundle(readFileSync(join(root, `tile/entries/000.p/${SIZE}`)));

  /** Their public files, with their checkpoints as our history. */
  const theirFiles = () => {
    const own = [...filesIn(root)].filter(([path]) => path === 'checkpoint' || path.startsWith('tile/'));
    const history = Array.from({ length: SIZE + 1 }, (_, size) => historyEntry(checkpoint(size))).join('');
    return withFile(new Map(own), 'checkpoints', new TextEncoder().encode(history));
  };

  describe('a log that tessera wrote', () => {
    test('verifies but for its leaves, which are not ours', async () => {
      const report = await verifyLog(readMemory(theirFiles()), { keys: [signer.verifier] });
      expect(report).toMatchObject({ size: SIZE, checkpoints: SIZE + 1, problemCount: SIZE, findingCount: 0 });
      expect(report.problems.map(({ kind, message }) => `${kind}: ${message}`)).toEqual(
        entries.map(() => 'leaf: bytes that are not JSON'),
      );
    });

    test('does not verify with a tile changed', async () => {
      const files = theirFiles();
      const tile = files.get('tile/0/000.p/7')!.with(40, 0);
      const { problems } = await verifyLog(readMemory(withFile(files, 'tile/0/000.p/7', tile)), {
        keys: [signer.verifier],
      });
      expect(problems).toContainEqual(expect.objectContaining({ kind: 'tile', where: 'tile/0/000.p/7' }));
    });

    test('is the log that we write from the same leaves with the same key, byte for byte', async () => {
      const dir = newFolder();
      const log = await openLog({ dir, signer });
      for (const entry of entries) {
        log.append([entry], new Uint8Array(0));
        const { size } = await log.checkpoint();
        expect(readFileSync(join(dir, 'ledger/checkpoint'), 'utf8')).toBe(checkpoint(size));
      }
      await log.close();
      const [ours, theirs] = [filesIn(join(dir, 'ledger')), theirFiles()];
      expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [path, bytes] of theirs) expect(ours.get(path)?.toHex(), path).toBe(bytes.toHex());
    });
  });
}
