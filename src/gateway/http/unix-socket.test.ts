import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { freeSocketPath } from './unix-socket.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-unix-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('freeSocketPath', () => {
  it('leaves a socket alone that somebody answers', async () => {
    const path = join(folder, 'living.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    await expect(freeSocketPath(path)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(path)).toBe(true);
    server.close();
  });

  it('leaves a file alone that is no socket', async () => {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'mine');
    await expect(freeSocketPath(path)).rejects.toThrow('no socket');
    expect(existsSync(path)).toBe(true);
  });

  it('has nothing to do where nothing is', async () => {
    await expect(freeSocketPath(join(folder, 'none'))).resolves.toBeUndefined();
  });
});
