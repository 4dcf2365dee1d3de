import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildForgetful, rebuild } from './forgetful.ts';

const disk = buildForgetful();

/** Runs a program in a folder that forgets, kills it when it says so, and returns what is left. */
async function crash(program: string, lies = false): Promise<string> {
  if (disk === null) throw new Error('expected a C compiler');
  const root = mkdtempSync(join(tmpdir(), 'sallyport-crash-'));
  const folder = mkdtempSync(join(root, 'folder-'));
  const image = join(root, 'image');
  const source = `
    import * as fs from 'node:fs';
    import { DatabaseSync } from 'node:sqlite';
    const at = (name) => ${JSON.stringify(folder)} + '/' + name;
    const syncFolder = (name = '') => { const fd = fs.openSync(at(name), 'r'); fs.fsyncSync(fd); fs.closeSync(fd); };
    const write = (name, text, sync) => {
      const fd = fs.openSync(at(name), 'a'); fs.writeSync(fd, text); if (sync) fs.fdatasyncSync(fd); fs.closeSync(fd);
    };
    ${program}
    fs.writeSync(1, 'done');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    env: { ...process.env, ...disk.environment(folder, image, lies) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const target = join(root, 'rebuilt');
  rebuild({ image, folder, target });
  return target;
}

if (disk === null) {
  console.warn('crash: not run, there is no C compiler (cc) here');
  it('crash: not run, there is no C compiler (cc) here', () => {});
} else {
  describe('the disk that forgets', () => {
    it('keeps what was synced and forgets what was not', async () => {
      const left = await crash(`write('a', 'one ', true); syncFolder(); write('a', 'two', false);`);
      expect(readFileSync(join(left, 'a'), 'utf8')).toBe('one ');
    });

    it('forgets a file whose folder was not synced, though its bytes were', async () => {
      expect(readdirSync(await crash(`write('a', 'one', true);`))).toEqual([]);
    });

    it('keeps the name of a file whose bytes were not synced', async () => {
      const left = await crash(`write('a', 'one', false); syncFolder();`);
      expect(readFileSync(join(left, 'a'), 'utf8')).toBe('');
    });

    it('has the old file still when a rename was not synced, the new one when it was', async () => {
      const program = `write('a', 'old', true); syncFolder(); write('b', 'new', true); fs.renameSync(at('b'), at('a'));`;
      expect(readFileSync(join(await crash(program), 'a'), 'utf8')).toBe('old');
      expect(readFileSync(join(await crash(`${program} syncFolder();`), 'a'), 'utf8')).toBe('new');
    });

    it('has a removed file still until its folder is synced', async () => {
      const program = `write('a', 'x', true); syncFolder(); fs.unlinkSync(at('a')); write('b', 'y', true);`;
      expect(readdirSync(await crash(program))).toEqual(['a']);
      expect(readdirSync(await crash(`${program} syncFolder();`))).toEqual(['b']);
    });

    it('follows truncation, writes in the middle, and folders in folders', async () => {
      const left = await crash(`
        fs.mkdirSync(at('in/side'), { recursive: true });
        write('in/side/a', '0123456789', true); syncFolder('in/side'); syncFolder('in'); syncFolder();
        const fd = fs.openSync(at('in/side/a'), 'r+');
        fs.writeSync(fd, 'XX', 4); fs.ftruncateSync(fd, 8); fs.fdatasyncSync(fd); fs.writeSync(fd, 'YY', 0);`);
      expect(readFileSync(join(left, 'in/side/a'), 'utf8')).toBe('0123XX67');
    });

    it('sees writes and syncs of the thread pool', async () => {
      const left = await crash(`
        const file = await fs.promises.open(at('a'), 'w');
        await file.write('one '); await file.datasync(); syncFolder(); await file.writev([Buffer.from('t'), Buffer.from('wo')]);`);
      expect(readFileSync(join(left, 'a'), 'utf8')).toBe('one ');
    });

    it('keeps commits of SQLite at synchronous=FULL, and may lose those at NORMAL', async () => {
      const program = (level: string): string => `
        const db = new DatabaseSync(at('x.db')); globalThis.db = db;
        db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=${level}; CREATE TABLE t (n); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");`;
      const { DatabaseSync } = await import('node:sqlite');
      const rows = (folder: string): unknown => {
        const db = new DatabaseSync(join(folder, 'x.db'));
        return db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0
          ? 0
          : db.prepare('SELECT n FROM t').all().length;
      };
      expect(rows(await crash(program('FULL')))).toBe(2);
      const normal = await crash(program('NORMAL'));
      expect(existsSync(join(normal, 'x.db')) ? rows(normal) : 0).toBe(0);
    });

    it('that lies loses what was synced', async () => {
      const left = await crash(`write('a', 'one', true); syncFolder();`, true);
      expect(readdirSync(left)).toEqual([]);
    });
  });
}
