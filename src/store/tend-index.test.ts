import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tendIndex } from './tend-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tend-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

describe('tendIndex', () => {
  it('gives up where somebody has the whole database, as at its creation, and comes again', () => {
    const writer = new DatabaseSync(join(folder, 'index.db'));
    writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x); PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    writer.exec('INSERT INTO t VALUES (1)');
    const tender = tendIndex(folder);
    expect(() => vi.advanceTimersByTime(2_000)).not.toThrow();
    writer.exec('COMMIT');
    writer.close();
    expect(() => vi.advanceTimersByTime(1_000)).not.toThrow();
    tender.close();
  });
});
